import { createClient as createSocket } from 'graphql-ws'
import { persistent, resumable } from 'millrace/client'
// a CommonJS package: in Node.js its names come with the default
import relay, {
  type Environment,
  type GraphQLResponse,
  type GraphQLTaggedNode,
  type OperationType,
  type Snapshot,
} from 'relay-runtime'
import { telling, type Settings } from '../tell.ts'
import serviceFragment, {
  type documents_service$data,
} from './__generated__/documents_service.graphql.ts'
import changedSubscription, {
  type documentsServiceChangedSubscription,
} from './__generated__/documentsServiceChangedSubscription.graphql.ts'
import logsSubscription, {
  type documentsServiceLogsSubscription,
} from './__generated__/documentsServiceLogsSubscription.graphql.ts'
import serviceQuery, {
  type documentsServiceQuery,
} from './__generated__/documentsServiceQuery.graphql.ts'
import { RevisionStore } from './store.ts'

const { fetchQuery, getSingularSelector, Network, Observable, RecordSource, requestSubscription } =
  relay

/** Tells a service's state and its log, through every restart of the server, until the service is deleted. */
export async function follow({ url, token, service: name, print }: Settings): Promise<void> {
  const headers: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` }
  const socket = resumable(
    persistent(createSocket, {
      url: `${url.replace(/^http/, 'ws')}/graphql`,
      connectionParams: headers,
    }),
  )
  const environment = new relay.Environment({
    store: new RevisionStore(new RecordSource()),
    network: Network.create(
      async ({ text: query }, variables) => {
        const response = await fetch(`${url}/graphql`, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify({ query, variables }),
        })
        return response.json()
      },
      ({ text }, variables) =>
        Observable.create((sink) =>
          socket.subscribe(
            { query: text ?? '', variables },
            { ...sink, next: (result) => sink.next(result as GraphQLResponse) },
          ),
        ),
    ),
  })

  const data = await fetchQuery<documentsServiceQuery>(environment, serviceQuery, {
    service: name,
  }).toPromise()
  const service = data?.service
  if (!service) throw new Error(`There is no service ${name}.`)
  const tell = telling(print)

  // the store tells of every change, whoever brought it: this subscription, a mutation, a refetch
  const state = environment.lookup(getSingularSelector(serviceFragment, service))
  const show = ({ data }: Snapshot): void => tell.service(data as documents_service$data)
  show(state)
  const watching = environment.subscribe(state, show)

  await Promise.all([
    // begins behind what the query has shown: nothing falls between them
    subscribed<documentsServiceChangedSubscription>(
      environment,
      changedSubscription,
      { service: service.id, after: service.asOf },
      ({ serviceChanged }) => tell.events(serviceChanged),
    ),
    subscribed<documentsServiceLogsSubscription>(
      environment,
      logsSubscription,
      { service: service.id, after: 'start' },
      ({ serviceLogs }) => tell.log(serviceLogs),
    ),
  ])
  watching.dispose()
}

/** Passes on what a subscription delivers; resolves when the server says that there will be no more. */
const subscribed = <Subscription extends OperationType>(
  environment: Environment,
  subscription: GraphQLTaggedNode,
  variables: Subscription['variables'],
  next: (data: Subscription['response']) => void,
): Promise<void> =>
  new Promise((resolve, reject) => {
    requestSubscription<Subscription>(environment, {
      subscription,
      variables,
      onNext: (data) => data && next(data),
      onError: reject,
      onCompleted: resolve,
    })
  })
