/** Streams: append-only lists with dense numbers that can be read both ways, followed live and resumed. */
export * from './cursor.ts'
export * from './stream.ts'
export * from './hub.ts'
export * from './cut.ts'
export * from './log.ts'
export * from './effect.ts'
export * from './events.ts'
export * from './audit.ts'
