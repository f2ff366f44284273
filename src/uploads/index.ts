/** Uploads: places that take bytes by plain HTTP, because files never travel inside GraphQL. */
export * from './upload.ts'
export { arrivedWhole, failedOver, inHand, takeLeftArrival } from './arrivals.ts'
export { askedBy, completeUpload, newUpload, renewedUpload } from './store.ts'
export { NameValueInput, NameValueType, UploadType } from './types.ts'
