/** `millrace/client`: what makes a GraphQL client of Millrace reconnect and resume by itself. For browsers and Node.js; depends on nothing. */
export { persistent } from './persistent.ts'
export type { SocketClient } from './persistent.ts'
export { resumable } from './resumable.ts'
export type { Sink, SubscribeRequest, SubscriptionClient } from './resumable.ts'
