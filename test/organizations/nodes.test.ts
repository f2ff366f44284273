import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { CreateUpload } from '../../testkit/operations/deployments.ts'
import { CreateOrganization, CreateToken, Viewer } from '../../testkit/operations/organizations.ts'
import { CreateService } from '../../testkit/operations/services.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seed } from '../../testkit/seed/chain.ts'

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
