import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import type { Client } from '../../testkit/client.ts'
import { CreateUpload } from '../../testkit/operations/deployments.ts'
import { CreateOrganization, CreateToken, Viewer } from '../../testkit/operations/organizations.ts'
import { AcceptInvitation } from '../../testkit/operations/people.ts'
import { CreateService } from '../../testkit/operations/services.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seed, seedIn } from '../../testkit/seed/chain.ts'
import { claimOne, complete, seedQueue, submit } from '../../testkit/seed/jobs.ts'
import { invited, member, seedPerson, signedIn } from '../../testkit/seed/organizations.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp()
})
afterAll(() => app.close())

const Nodes = graphql(`
  query NodesMany($ids: [ID!]!) {
    nodes(ids: $ids) {
      __typename
      id
    }
  }
`)

test('every object is found again by its id, in the order that was asked for', async () => {
  const { viewer } = await app.admin.request(Viewer)
  const {
    deploymentId: deployment,
    versionId: version,
    id: service,
  } = await seed(app.admin)
    .deployment()
    .version({ 'main.mjs': '' }, { image: 'node' })
    .service()
    .made()
  const { createUpload } = await app.admin.request(CreateUpload, { input: { name: 'x' } })
  const { upload } = succeeded(createUpload, 'CreateUploadSuccess')
  const { createToken } = await app.admin.request(CreateToken, {
    input: { name: 'x', role: 'VIEWER' },
  })
  const { token } = succeeded(createToken, 'CreateTokenSuccess')
  const ids = [
    token.id,
    upload.id,
    service,
    'dep_junk',
    version,
    deployment,
    viewer.organization.id,
    service,
  ]
  expect((await app.admin.request(Nodes, { ids })).nodes).toEqual([
    { __typename: 'Token', id: token.id },
    { __typename: 'Upload', id: upload.id },
    { __typename: 'ProcessService', id: service },
    null,
    { __typename: 'DeploymentVersion', id: version },
    { __typename: 'Deployment', id: deployment },
    { __typename: 'Organization', id: viewer.organization.id },
    { __typename: 'ProcessService', id: service },
  ])
})

const Parts = graphql(`
  query NodesParts($service: ID!, $job: ID!) {
    service(id: $service) {
      ... on ProcessService {
        instances {
          ...NodesInstance
        }
      }
    }
    job(id: $job) {
      attempts {
        ...NodesAttempt
      }
      service {
        ... on QueueService {
          workers {
            ...NodesWorker
          }
        }
      }
    }
  }
`)

const PartsById = graphql(`
  query NodesPartsById($ids: [ID!]!) {
    nodes(ids: $ids) {
      ...NodesInstance
      ...NodesAttempt
      ...NodesWorker
    }
  }
  fragment NodesInstance on Instance {
    __typename
    id
    ordinal
    version {
      id
    }
  }
  fragment NodesAttempt on JobAttempt {
    __typename
    id
    number
    outcome
  }
  fragment NodesWorker on Worker {
    __typename
    id
    name
    services {
      id
    }
  }
`)

test('instances, attempts and workers are found by their ids as far as they are read elsewhere', async () => {
  const {
    organizationId,
    admin,
    id: service,
  } = await seedIn(app)
    .deployment()
    .version({ 'main.mjs': 'export const handler = () => new Response()' }, { image: 'node' })
    .service()
    .ready()
    .made()
  const queue = await seedQueue(admin)
  const { id: job } = await submit(admin, queue)
  await complete(admin, await claimOne(admin, queue, { worker: 'somebody' }))
  const parts = await admin.request(Parts, { service, job })
  const { attempts, service: of } = parts.job ?? {}
  const read = [
    parts.service && 'instances' in parts.service && parts.service.instances?.[0],
    attempts?.[0],
    of && 'workers' in of && of.workers?.[0],
  ]
  expect(read).toMatchObject([
    { __typename: 'Instance', ordinal: 0 },
    { __typename: 'JobAttempt', number: 1, outcome: 'SUCCEEDED' },
    { __typename: 'Worker', name: 'somebody', services: [{ id: queue }] },
  ])
  const ids = read.map((one) => (one && 'id' in one ? one.id : ''))
  const found = async (client: Client) => (await client.request(PartsById, { ids })).nodes
  expect(await found(admin)).toEqual(read)
  expect(await found(await member(app, organizationId, 'VIEWER'))).toEqual(read)

  const other = await seedIn(app).made()
  const nothing = [null, null, null]
  expect(await found(await member(app, organizationId, 'WORKER'))).toEqual(nothing)
  expect(await found(other.admin)).toEqual(nothing)

  // whoever reads here and only works elsewhere reads them too
  const person = await seedPerson(app.admin, 'VIEWER', organizationId)
  const session = app.client((await signedIn(app.stranger, person)).secret)
  const { code } = await invited(other.admin, person.email, 'WORKER', other.organizationId)
  const { acceptInvitation } = await session.request(AcceptInvitation, { input: { code } })
  succeeded(acceptInvitation, 'AcceptInvitationSuccess')
  expect(await found(session)).toEqual(read)
  expect(await session.request(Parts, { service, job })).toEqual(parts)
})

test('an attempt is found by the id of its job and its number, written as it is', async () => {
  const { admin } = await seedIn(app).made()
  const queue = await seedQueue(admin)
  const { id: job } = await submit(admin, queue)
  await claimOne(admin, queue)
  const key = `att_${job.slice('job_'.length)}`
  const ids = ['1', '2', '0', '01', '-1', '1.1', '1e0', '9999999999', ''].map((n) => `${key}.${n}`)
  const [first, ...others] = (await admin.request(Nodes, { ids: [...ids, key] })).nodes
  expect(first).toEqual({ __typename: 'JobAttempt', id: `${key}.1` })
  expect(others).toEqual(others.map(() => null))
})

test('junk, unknown kinds and ids of nothing are null', async () => {
  const tail = '01h455vb4pex5vsknk084sn02q'
  const ids = [
    '',
    ' ',
    '_',
    tail,
    `_${tail}`,
    `zzz_${tail}`,
    `svc_${tail}`,
    `SVC_${tail}`,
    `svc_${tail}x`,
    'svc_',
    'a\0b',
    'abeja:1',
    "';--",
    `dep_${'9'.repeat(26)}`,
    'x'.repeat(10_000),
  ]
  expect((await app.admin.request(Nodes, { ids })).nodes).toEqual(ids.map(() => null))
})

test('more ids than a page are refused', async () => {
  const { errors } = await app.admin.execute(Nodes, { ids: Array.from({ length: 101 }, () => 'x') })
  expect(errors?.[0]?.extensions?.code).toBe('BAD_REQUEST')
})

test('exactly one backend is given', async () => {
  const process = { versionId: 'x' }
  expect(
    await app.admin.request(CreateService, { input: { name: 'x', backend: { process } } }),
  ).toMatchObject({
    createService: { __typename: 'NotFound' },
  })
  const url = `${app.url}/graphql`
  const headers = { ...app.admin.headers, 'content-type': 'application/json' }
  for (const backend of [{}, { process: null }, { process, queue: { functions: [] } }, null]) {
    const body = JSON.stringify({
      query: CreateService.toString(),
      variables: { input: { name: 'x', backend } },
    })
    const answer = await (await fetch(url, { method: 'POST', headers, body })).json()
    expect(answer).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] })
  }
})

test('an organization has a handle and addresses of its own', async () => {
  const input = {
    name: 'Über Labor',
    addresses: ['abeja:1410805969200'],
    annotations: [{ front: 'ABEJA' as const, value: { a: 1 } }],
  }
  const { createOrganization } = await app.admin.request(CreateOrganization, { input })
  expect(createOrganization).toMatchObject({
    organization: {
      handle: 'uber-labor',
      addresses: [{ front: 'ABEJA', text: '1410805969200' }],
      annotations: { a: 1 },
    },
  })
  const again = await app.admin.request(CreateOrganization, {
    input: { name: 'x', handle: 'uber-labor' },
  })
  expect(again.createOrganization).toMatchObject({ __typename: 'Conflict', field: 'handle' })
})
