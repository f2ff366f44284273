/** Ends a command with exit code 1. The message is for people: one sentence, or one a line. */
export class Refusal extends Error {}

/** The server cannot answer now, and may later: whoever follows it waits, every other command ends. */
export class ServerAway extends Refusal {
  /** In a few words. */
  readonly reason: string
  /** Whether there is no doubt that it will come back: it said so itself, or takes its time to answer. */
  readonly isThere: boolean
  constructor(message: string, reason: string, isThere: boolean) {
    super(message)
    this.reason = reason
    this.isThere = isThere
  }
}

/** What can be said of any error in one line. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // an AggregateError of two refused addresses has no message of its own
  return error.message || (error instanceof AggregateError ? reasonOf(error.errors[0]) : error.name)
}

/** The code of a system call's error, also where a library has wrapped it. */
export function codeOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code
  }
  return undefined
}

/** What the system will not let us write, in a sentence; any other error as it is. */
export function unwritable(path: string, error: unknown): unknown {
  const code = codeOf(error)
  if (code === undefined) return error
  const why =
    code === 'ENOENT' ? 'its folder does not exist' : code === 'EISDIR' ? 'it is a folder' : code
  return new Refusal(`${path} cannot be written: ${why}.`, { cause: error })
}

/** What the system will not let us read, in a sentence; any other error as it is. */
export function unreadable(path: string, error: unknown): unknown {
  const code = codeOf(error)
  if (code === undefined) return error
  const why = code === 'ENOENT' ? 'no longer exists' : `cannot be read (${code})`
  return new Refusal(`${path} ${why}.`, { cause: error })
}
