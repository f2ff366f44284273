import type { Logger as Pino } from 'pino'

/** The server's own log: structured, levelled, written as JSON lines. */
export type Logger = Pick<
  Pino,
  'info' | 'warn' | 'error' | 'debug' | 'fatal' | 'child' | 'isLevelEnabled'
>

/** The same for what is worth a warning once: faults alone are told. */
export const faultsOnly = (log: Logger): Logger =>
  log.isLevelEnabled('warn') ? log.child({}, { level: 'error' }) : log
