import { ApolloClient, ApolloLink, HttpLink } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { OperationTypeNode } from 'graphql'
import { createClient as createSocket } from 'graphql-ws'
import { persistent, resumable } from 'millrace/client'
import possibleTypes from 'millrace/possibleTypes.json' with { type: 'json' }
import { telling, type Settings } from '../tell.ts'
import { RevisionCache } from './cache.ts'
import { graphql } from './generated/index.ts'

const ServiceFields = graphql(`
  fragment ApolloServiceFields on Service {
    id
    handle
    status
    revision
  }
`)

const ServiceQuery = graphql(`
  query ApolloService($service: ID!) {
    service(id: $service) {
      asOf
      ...ApolloServiceFields
    }
  }
`)

const ServiceChanged = graphql(`
  subscription ApolloServiceChanged($service: ID!, $after: String) {
    serviceChanged(serviceId: $service, after: $after) {
      service {
        ...ApolloServiceFields
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
  subscription ApolloServiceLogs($service: ID!, $after: String) {
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
  const client = new ApolloClient({
    cache: new RevisionCache({ possibleTypes }),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: `${url}/graphql`, headers }),
    ),
  })

  const { data } = await client.query({ query: ServiceQuery, variables: { service: name } })
  const service = data?.service
  if (!service) throw new Error(`There is no service ${name}.`)
  const tell = telling(print)

  // the cache tells of every change, whoever brought it: this subscription, a mutation, a refetch
  const state = client
    .watchFragment({ fragment: ServiceFields, from: service })
    .subscribe(({ data, dataState }) => {
      if (dataState === 'complete') tell.service(data)
    })
  // begins behind what the query has shown: nothing falls between them
  const changes = client.subscribe({
    query: ServiceChanged,
    variables: { service: service.id, after: service.asOf },
  })
  // a log is followed, not looked up: it stays out of the cache
  const log = client.subscribe({
    query: ServiceLogs,
    variables: { service: service.id, after: 'start' },
    fetchPolicy: 'no-cache',
  })
  await Promise.all([
    changes.forEach(({ data, error }) => {
      if (error) throw error
      if (data) tell.events(data.serviceChanged)
    }),
    log.forEach(({ data, error }) => {
      if (error) throw error
      if (data) tell.log(data.serviceLogs)
    }),
  ])
  state.unsubscribe()
}
