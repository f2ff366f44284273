import { gql } from '@apollo/client'
import relay from 'relay-runtime'
import { expect, it } from 'vitest'
import { RevisionCache } from '../../examples/frontends/apollo/cache.ts'
import { RevisionStore } from '../../examples/frontends/relay/store.ts'

/*
 * Answers overtake each other: the older copy of an object comes behind the newer one, or within another object.
 */
const service = (revision: number, more: object) => ({
  __typename: 'ProcessService',
  id: 'svc_1',
  revision,
  ...more,
})

const ById = gql`
  query ById($wanted: ID!) {
    service(id: $wanted) {
      id
      revision
      status
    }
  }
`
const InDeployment = gql`
  query InDeployment {
    deployment(id: "dep_1") {
      id
      services {
        nodes {
          id
          revision
          status
          name
        }
      }
    }
  }
`

it('in Apollo Client an older copy adds what it alone has, and overwrites nothing', () => {
  const cache = new RevisionCache({ possibleTypes: { Service: ['ProcessService'] } })
  const write = (revision: number, status: string): void => {
    const data = { service: service(revision, { status }) }
    cache.writeQuery({ query: ById, variables: { wanted: 'svc_1' }, data })
  }
  const seen: unknown[] = []
  cache.watch<{ service?: { status: string } }>({
    query: ById,
    variables: { wanted: 'svc_1' },
    optimistic: true,
    callback: ({ result }) => seen.push(result?.service?.status),
  })
  write(2, 'READY')
  write(1, 'STARTING')
  const older = service(1, { status: 'STARTING', name: 'counter' })
  const deployment = { __typename: 'Deployment', id: 'dep_1', services: { nodes: [older] } }
  cache.writeQuery({ query: InDeployment, data: { deployment } })
  expect(cache.readQuery({ query: InDeployment })).toMatchObject({
    deployment: { services: { nodes: [{ revision: 2, status: 'READY', name: 'counter' }] } },
  })
  write(3, 'STOPPED')
  expect(cache.readQuery({ query: ById, variables: { wanted: 'svc_1' } })).toMatchObject({
    service: { revision: 3, status: 'STOPPED' },
  })
  expect(seen).toEqual([undefined, 'READY', 'STOPPED']) // nobody sees the older copy come and go
})

it('in Relay an older copy adds what it alone has, and overwrites nothing', () => {
  const store = new RevisionStore(new relay.RecordSource())
  const publish = (revision: number, more: object): unknown => {
    const record = { __id: 'svc_1', ...service(revision, more) }
    store.publish(new relay.RecordSource({ svc_1: record }))
    return store.getSource().get('svc_1')
  }
  publish(2, { status: 'READY' })
  expect(publish(1, { status: 'STARTING', name: 'counter' })).toMatchObject({
    revision: 2,
    status: 'READY',
    name: 'counter',
  })
  expect(publish(3, { status: 'STOPPED' })).toMatchObject({ revision: 3, status: 'STOPPED' })
})
