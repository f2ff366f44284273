/** Logs: what processes and workers print, line by line. */
export * from './types.ts'
export * from './logs.ts'
export * from './download.ts'
