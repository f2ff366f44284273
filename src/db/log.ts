/** Where the database tells what happens to it; pino's logger is one. */
export interface DatabaseLog {
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

/** What a cause has to say, for a sentence of such a log. */
export const messageOf = (cause: unknown): string =>
  cause instanceof Error ? cause.message : String(cause)
