/** Addresses: what the REST fronts call our objects, what only they keep with them, and by what names all are found. */
export * from './address.ts'
export * from './store.ts'
export * from './along.ts'
export * from './types.ts'
export * from './searchable.ts'
