/** Organizations: the tenants, and the people who are their members. */
export * from './organization.ts'
export { asChosen } from './choose.ts'
export { organizationNamed } from './store.ts'
export { passesOf, type Pass } from './accounts.ts'
export { ActorType, OrganizationType } from './types.ts'
export { ViewerType } from './queries.ts'
export { bootstrap } from './bootstrap.ts'
