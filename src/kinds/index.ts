/** Kinds: what is said once of each kind of object, how its rows are found and by whom, and how a change of one is written. */
export * from './kind.ts'
export * from './list.ts'
export * from './searchable.ts'
export * from './write.ts'
