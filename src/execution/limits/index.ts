/** What one request, one operation and one caller may ask of the server, on every door alike. */
export { admit, type Cost } from './admit.ts'
export { documents, parseWithin } from './documents.ts'
export { quotas } from './quotas.ts'
export { forViewer } from './suggestions.ts'
export { LATE, within } from './time.ts'
