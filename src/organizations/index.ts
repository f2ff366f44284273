/** Organizations: the tenants, and the people and tokens that may act in them. */
export * from './organization.ts'
export { organizationNamed } from './store.ts'
export { ActorType } from './types.ts'
export { bootstrap } from './bootstrap.ts'
