/** Services: what can be called. Process services run a version of a deployment as processes. */
export * from './service.ts'
export { calleeNamed, type Callee } from './store.ts'
export { Reconciler } from './reconciler/reconciler.ts'
export { say } from './reconciler/pump.ts'
export { ProcessServiceType } from './types.ts'
export type { Balancer } from './reconciler/balancer.ts'
