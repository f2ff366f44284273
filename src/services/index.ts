/** Services: what can be called. Process services run a version of a deployment as processes. */
export * from './service.ts'
