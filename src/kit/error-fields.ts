/** Causes that are told of one error. */
const MAX_CAUSES = 5

interface ErrorFields {
  readonly type: string
  readonly message: string
  readonly code?: string | number
  readonly stack?: string | undefined
  readonly cause?: ErrorFields
}

/**
 * What the log says of an error: what kind it is, its message, its place in the code, and the same of its causes.
 * Nothing else, because libraries hang on their errors what they were given: rows, parameters, headers, URLs.
 */
export function errorFields(error: unknown, depth = 0): ErrorFields {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) }
  const { name, message, stack, cause } = error
  const code = 'code' in error ? error.code : undefined
  return {
    type: error.constructor.name || name,
    message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    stack,
    ...(cause === undefined || depth >= MAX_CAUSES ? {} : { cause: errorFields(cause, depth + 1) }),
  }
}
