/** Kinds: what is said once of each kind of object, how its rows are found and by whom, and how a change of one is written. */
export { create, remove, update, updating } from './actions.ts'
export { kindOf, type FollowedKind, type Owned, type Table } from './kind.ts'
export { called, containing, keysOf, knownTo, pageOfKind, pageOfRows } from './list.ts'
export { isSearchable, searchables, type Searchable } from './searchable.ts'
export { changing, hint, insertion, write, writeIn, type Change } from './write.ts'
