/** Idempotency: a mutation with a key is done once, and its answer kept for a day. */
export { once, type Again, type KeyedMutation } from './once.ts'
