/** Jobs: calls of functions that are kept until they are done. */
export { sweeper } from './worker.ts'
