/** Jobs: calls of functions that are kept until they are done. */
export { Dispatcher } from './dispatcher.ts'
export { sweeper } from './worker.ts'
