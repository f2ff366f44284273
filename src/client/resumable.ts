import { iterate } from './iterate.ts'

/** A client of graphql-ws or graphql-sse, as far as it matters here. */
export interface SubscriptionClient {
  subscribe(request: never, sink: never, ...rest: never[]): () => void
}

/** What both protocols' clients send. */
export interface SubscribeRequest {
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined
}

/** What both protocols' clients tell what comes to. */
export interface Sink<Result> {
  next(result: Result): void
  error(error: unknown): void
  complete(): void
}

interface Result {
  readonly extensions?: { readonly cursor?: unknown } | null | undefined
}

type Subscribe = (
  request: SubscribeRequest,
  sink: Sink<Result>,
  ...rest: readonly unknown[]
) => () => void

/**
 * The same client, whose subscriptions resume: after each cut the stream goes on behind the last delivery, with
 * nothing lost and nothing repeated. Declare `$after: String` in the document and pass it on to the field; a first
 * `after` may be given in the variables. Nothing else changes, and queries pass as they are.
 *
 * graphql-ws. Without `shouldRetry` it gives up when the server refuses a connection, as it does while it restarts:
 *
 *     const client = resumable(
 *       createClient({ url: 'ws://127.0.0.1:4000/graphql', retryAttempts: Infinity, shouldRetry: () => true }),
 *     )
 *     const query = `subscription ($service: ID!, $after: String) {
 *       serviceLogs(serviceId: $service, after: $after) { lines { number text } }
 *     }`
 *     for await (const { data } of client.iterate({ query, variables: { service: 'my-service' } }))
 *       console.log(data?.serviceLogs.lines)
 *
 * graphql-sse:
 *
 *     const client = resumable(createClient({ url: 'http://127.0.0.1:4000/graphql', retryAttempts: Infinity }))
 *     const stop = client.subscribe({ query, variables }, { next, error, complete })
 *
 * Apollo Client:
 *
 *     new GraphQLWsLink(resumable(createClient({ url, retryAttempts: Infinity, shouldRetry: () => true })))
 *
 * urql:
 *
 *     const client = resumable(createClient({ url, retryAttempts: Infinity, shouldRetry: () => true }))
 *     subscriptionExchange({
 *       forwardSubscription: (request) => ({
 *         subscribe: (sink) => ({
 *           unsubscribe: client.subscribe({ ...request, query: request.query ?? '' }, sink),
 *         }),
 *       }),
 *     })
 *
 * It rests on one fact: these clients write the request as JSON anew for every connection, and JSON asks a getter.
 */
export function resumable<Client extends SubscriptionClient>(client: Client): Client {
  // the generic methods of both libraries, seen as what they do with any request
  const plain = client.subscribe.bind(client) as unknown as Subscribe

  const subscribe: Subscribe = (request, sink, ...rest) => {
    let cursor: unknown
    let isStopped = false
    const variables = {
      ...request.variables,
      get after() {
        return cursor ?? request.variables?.['after']
      },
    }
    const next = (result: Result): void => {
      if (isStopped) return
      sink.next(result)
      cursor = result.extensions?.cursor ?? cursor
    }
    const kept: Sink<Result> = {
      next,
      error: (error) => sink.error(error),
      complete: () => sink.complete(),
    }
    const stop = plain({ ...request, variables }, kept, ...rest)
    // in a turn of its own: stopped within `next`, while `complete` is there already, graphql-ws counts the
    // subscription off twice, and then never closes its socket
    return () => {
      isStopped = true
      setTimeout(stop)
    }
  }

  // a client of either library is a plain object; what is not replaced stays the client's own
  return { ...client, subscribe, iterate: iterate(subscribe) }
}
