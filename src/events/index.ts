/** Events and deliveries: what all streams look like to a subscriber. */
export * from './types.ts'
export * from './portion.ts'
export * from './undelivered.ts'
export * from './deliver.ts'
export * from './connection.ts'
export * from './followed.ts'
