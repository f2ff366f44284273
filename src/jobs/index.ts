/** Jobs: calls of functions that are kept until they are done. */
export { Dispatcher } from './server/dispatcher.ts'
export { sweeper } from './server/sweeper.ts'
