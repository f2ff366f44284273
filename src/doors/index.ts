/** Doors: where bytes come in and go out, over HTTP or called in process by a front, with typed errors. */
export { putUpload } from './put.ts'
export { getArchive, type Outgoing } from './get.ts'
export { BadGateway, Invoker, type Answer, type Call } from './invoke.ts'
export { isForwarded } from './forward.ts'
