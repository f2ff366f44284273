/** Doors: where bytes come in and go out, over HTTP or called in process by a front, with typed errors. */
import type { Doors, Platform } from '../context.ts'
import { corsOfRoute } from '../routes/index.ts'
import { corsOf } from '../services/index.ts'
import { getArchive } from './get.ts'
import type { Invoker } from './invoke.ts'
import { getLog } from './log.ts'
import { putUpload } from './put.ts'

export { Invoker } from './invoke.ts'
export { leftUploads } from './leftovers.ts'
export { isForwarded, opened } from './forward.ts'
export { onward, partsOf } from './headers.ts'
export { carried } from './trailing.ts'

/** The doors as every request finds them in its context. */
export const doorsOf = (platform: Platform, invoker: Invoker): Doors => ({
  put: (uploadId, body, signal) => putUpload(platform, uploadId, body, signal),
  get: (versionId) => getArchive(platform, versionId),
  log: (...asked) => getLog(platform, ...asked),
  invoke: (ctx, deployment, service, call) => invoker.invoke(ctx, deployment, service, call),
  invokeRoute: (ctx, deployment, route, call) => invoker.invokeRoute(ctx, deployment, route, call),
  corsOf: (service) => corsOf(platform, service),
  corsOfRoute: (route) => corsOfRoute(platform, route),
})
