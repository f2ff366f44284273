/** Addresses: what the REST fronts call our objects, and what only they keep with them. */
export * from './address.ts'
export * from './store.ts'
export * from './along.ts'
export * from './types.ts'
