import type { Logger as Pino } from 'pino'

/** The server's own log: structured, levelled, written as JSON lines. */
export type Logger = Pick<
  Pino,
  'info' | 'warn' | 'error' | 'debug' | 'fatal' | 'child' | 'isLevelEnabled'
>
