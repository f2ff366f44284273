import {
  createClient,
  fetchExchange,
  subscriptionExchange,
  type OperationResult,
  type OperationResultSource,
} from '@urql/core'
import { createClient as createSocket } from 'graphql-ws'
import { persistent, resumable } from 'millrace/client'
import { telling, type Settings } from '../tell.ts'
import { graphql } from './generated/index.ts'

const ServiceQuery = graphql(`
  query UrqlService($service: ID!) {
    service(id: $service) {
      id
      handle
      status
      revision
      asOf
    }
  }
`)

const ServiceChanged = graphql(`
  subscription UrqlServiceChanged($service: ID!, $after: String) {
    serviceChanged(serviceId: $service, after: $after) {
      service {
        id
        handle
        status
        revision
      }
      gap {
        from
        to
      }
      end {
        lastNumber
      }
    }
  }
`)

const ServiceLogs = graphql(`
  subscription UrqlServiceLogs($service: ID!, $after: String) {
    serviceLogs(serviceId: $service, after: $after) {
      lines {
        number
        source
        instance
        text
        isUnfinished
      }
      gap {
        from
        to
      }
      end {
        lastNumber
      }
    }
  }
`)

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
  const client = createClient({
    url: `${url}/graphql`,
    preferGetMethod: false,
    fetchOptions: { headers },
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
        }),
      }),
    ],
  })

  const { data, error } = await client.query(ServiceQuery, { service: name })
  if (error) throw error
  if (!data?.service) throw new Error(`There is no service ${name}.`)
  const { id, asOf } = data.service
  let known = data.service
  const tell = telling(print)
  tell.service(known)

  // begins behind what the query has shown: nothing falls between them
  const changes = client.subscription(ServiceChanged, { service: id, after: asOf })
  const log = client.subscription(ServiceLogs, { service: id, after: 'start' })
  await Promise.all([
    untilEnd(changes, ({ serviceChanged }) => {
      const { service } = serviceChanged
      // a copy with a lower revision is an older one, from an answer that came late
      if (service && service.revision > known.revision) {
        known = { ...known, ...service }
        tell.service(known)
      }
      tell.events(serviceChanged)
      return serviceChanged
    }),
    untilEnd(log, ({ serviceLogs }) => {
      tell.log(serviceLogs)
      return serviceLogs
    }),
  ])
}

/** Passes on what a subscription delivers, up to the delivery that says it is the last. */
function untilEnd<Data>(
  results: OperationResultSource<OperationResult<Data, { service: string }>>,
  next: (data: Data) => { readonly end: object | null },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const subscription = results.subscribe(({ data, error }) => {
      if (error) reject(error)
      if (!data || next(data).end === null) return
      subscription.unsubscribe()
      resolve()
    })
  })
}
