/** Where the database tells what happens to it; pino's logger is one. */
export interface Log {
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}
