/** A result of an operation, as far as it matters here. */
export interface Result {
  readonly data?: unknown
  readonly errors?: readonly unknown[] | null | undefined
  readonly extensions?: { readonly cursor?: unknown } | null | undefined
}

/** Codes of errors that another try may not meet: something is away, or took too long. */
const PASSING: ReadonlySet<unknown> = new Set(['UNAVAILABLE', 'TIMEOUT'])
/** Codes of errors that are no answer to what was asked. */
const FAULTS: ReadonlySet<unknown> = new Set([...PASSING, 'INTERNAL'])
/** Close codes of a server, or a proxy, that has failed. graphql-ws takes them as final, whatever it is told. */
const FAILED: ReadonlySet<unknown> = new Set([1011, 4500])

/** Whether the same subscription may go on later: of close events of a socket, and lists of GraphQL errors. */
export const isPassing = (cause: unknown): boolean =>
  Array.isArray(cause)
    ? cause.length > 0 && cause.every((error) => PASSING.has(codeIn(error)))
    : FAILED.has(memberOf(cause, 'code'))

/** The errors for which a result is not what it should be, none when they are a part of it: a field that is refused is. */
export function failuresIn({ data, errors }: Result): readonly unknown[] {
  const faults = (errors ?? []).filter((error) => FAULTS.has(codeIn(error)))
  return faults.length === 0 && data == null ? (errors ?? []) : faults
}

/** The same GraphQL errors with the cursor behind which to go on in their `extensions`; any other cause as it is. */
export const withCursor = (cause: unknown, cursor: unknown): unknown =>
  cursor === undefined || !Array.isArray(cause)
    ? cause
    : cause.map((error: object) => ({
        ...error,
        extensions: { cursor, ...(memberOf(error, 'extensions') as object | undefined) },
      }))

const codeIn = (error: unknown): unknown => memberOf(memberOf(error, 'extensions'), 'code')

/** What a value that may be anything has under a name. */
export const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
