/** `millrace/client`: what makes a GraphQL client of Millrace resume by itself. For browsers and Node.js; depends on nothing. */
export { resumable } from './resumable.ts'
export type { Sink, SubscribeRequest, SubscriptionClient } from './resumable.ts'
