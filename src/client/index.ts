/** `millrace/client`: what makes a GraphQL client of Millrace reconnect and resume by itself, and which lines of a log to show. For browsers and Node.js; depends on nothing. */
export { persistent } from './persistent.ts'
export type { SocketClient } from './persistent.ts'
export { resumable } from './resumable.ts'
export { shownLines } from './shown-lines.ts'
export type { LogLineState } from './shown-lines.ts'
export type { Sink, SubscribeRequest, SubscriptionClient } from './subscription.ts'
