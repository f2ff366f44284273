import { failuresIn, isPassing, withCursor, type Result } from './failures.ts'
import { iterate } from './iterate.ts'
import type { Subscribe, SubscriptionClient } from './subscription.ts'
import { waitMs } from './wait.ts'

/**
 * The same client, whose subscriptions resume: after each cut the stream goes on behind the last delivery, with
 * nothing lost and nothing repeated. Declare `$after: String` in the document and pass it on to the field; a first
 * `after` may be given in the variables. Nothing else changes, and queries pass as they are.
 *
 * graphql-ws:
 *
 *     const client = resumable(persistent(createClient, { url: 'ws://127.0.0.1:4000/graphql' }))
 *     const query = `subscription ($service: ID!, $after: String) {
 *       serviceLogs(serviceId: $service, after: $after) { lines { number text } }
 *     }`
 *     for await (const { data } of client.iterate({ query, variables: { service: 'my-service' } }))
 *       console.log(data?.serviceLogs.lines)
 *
 * graphql-sse:
 *
 *     const client = resumable(persistent(createClient, { url: 'http://127.0.0.1:4000/graphql' }))
 *     const stop = client.subscribe({ query, variables }, { next, error, complete })
 *
 * Apollo Client:
 *
 *     new GraphQLWsLink(resumable(persistent(createClient, { url })))
 *
 * urql:
 *
 *     const client = resumable(persistent(createClient, { url }))
 *     subscriptionExchange({
 *       forwardSubscription: (request) => ({
 *         subscribe: (sink) => ({
 *           unsubscribe: client.subscribe({ ...request, query: request.query ?? '' }, sink),
 *         }),
 *       }),
 *     })
 *
 * What a server that cannot serve at this moment says of a subscription (UNAVAILABLE, TIMEOUT, the close codes 1011 and
 * 4500) is waited out like a cut, without end. Any other error ends it: `extensions.cursor` of the error is where to go
 * on. A delivery that failed is never passed on, nor is its cursor kept.
 *
 * It rests on one fact: these clients write the request as JSON anew for every connection, and JSON asks a getter.
 */
export function resumable<Client extends SubscriptionClient>(client: Client): Client {
  // the generic methods of both libraries, seen as what they do with any request
  const plain = client.subscribe.bind(client) as unknown as Subscribe<Result>
  /** What stops those that wait for their next try. */
  const waiting = new Set<() => void>()

  const subscribe: Subscribe<Result> = (request, sink, ...rest) => {
    let cursor: unknown
    let tries = 0
    let isStopped = false
    /** Stops what goes on. */
    let end: (() => void) | undefined
    const variables = {
      ...request.variables,
      get after() {
        return cursor ?? request.variables?.['after']
      },
    }
    // a mutation must not be sent again; what was delivered with a cursor is none
    const mayBegin = (): boolean => cursor !== undefined || isSubscription(request.query)

    /** Subscribes, and answers what stops that. */
    const begin = (): (() => void) => {
      let isOver = false
      // in a turn of its own: stopped within `next`, while `complete` is there already, graphql-ws counts the
      // subscription off twice, and then never closes its socket
      const leave = (): void => void setTimeout(() => stop())
      const fail = (cause: unknown): void => {
        if (isStopped) return complete()
        if (isOver) return
        isOver = true
        leave()
        if (mayBegin() && isPassing(cause)) end = wait()
        else sink.error(withCursor(cause, cursor))
      }
      const next = (result: Result): void => {
        if (isOver || isStopped) return
        const failures = failuresIn(result)
        const isDelivery = result.extensions?.cursor != null
        if (failures.length > 0 && (isDelivery || (mayBegin() && isPassing(failures))))
          return fail(failures)
        tries = 0
        sink.next(result)
        cursor = result.extensions?.cursor ?? cursor
      }
      const complete = (): void => {
        if (!isOver) sink.complete()
        isOver = true
      }
      const stop = plain({ ...request, variables }, { next, error: fail, complete }, ...rest)
      return leave
    }

    /** Waits and subscribes, and answers what stops that. */
    const wait = (): (() => void) => {
      const timer = setTimeout(() => {
        waiting.delete(cancel)
        end = begin()
      }, waitMs(tries))
      tries += 1
      const cancel = (): void => {
        if (!waiting.delete(cancel)) return // it was told so before
        clearTimeout(timer)
        sink.complete()
      }
      waiting.add(cancel)
      return cancel
    }

    end = begin()
    return () => {
      if (isStopped) return
      isStopped = true
      end?.()
    }
  }

  // a client of either library is a plain object; what is not replaced stays the client's own
  return {
    ...client,
    subscribe,
    iterate: iterate(subscribe),
    ...(client.dispose === undefined
      ? {}
      : {
          dispose() {
            for (const cancel of waiting) cancel()
            return client.dispose?.()
          },
        }),
  }
}

/** Whether a document has subscriptions and nothing that must be done once. */
const isSubscription = (query: string | null | undefined): boolean =>
  /\bsubscription\b/.test(query ?? '') && !/\bmutation\b/.test(query ?? '')
