/** Services: what can be called. Process services run a version of a deployment as processes. */
export * from './service.ts'
export { calleeById, calleeColumns, calleeNamed, serviceNamed, type Callee } from './store.ts'
export { maySleep } from './process/scale.ts'
export { Reconciler } from './process/reconciler/reconciler.ts'
export { say } from './process/reconciler/pump.ts'
export { ServiceInterface } from './types.ts'
export { ProcessServiceType } from './process/types.ts'
export { QueueServiceType } from './queue/types.ts'
export * from './functions.ts'
export { queueFor, serviceOfWorker, sweepQueues } from './queue/queue.ts'
export { corsOf } from './process/cors.ts'
export { permit } from './permit.ts'
export {
  holderOfPass,
  OPENING,
  openingUrl,
  pagePathRule,
  passFor,
  serviceAt,
} from './process/page.ts'
export type { Balancer, ReadyInstance } from './process/reconciler/balancer.ts'
