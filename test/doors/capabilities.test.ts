import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { tarGz } from '../../testkit/archive.ts'
import type { Client } from '../../testkit/client.ts'
import { seedOrganization } from '../../testkit/seed/organizations.ts'
import { send as put } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'
import { send, succeed } from '../organizations/tenancy/send.ts'
import { everything, seedTenant, type Tenant } from '../organizations/tenancy/tenant.ts'

/* A signed URL acts for whoever has it: it is shown to nobody who may not do what it does. */

let app: TestApp
let tenant: Tenant
let developer: Client
let stranger: Client
/** The token that a service of the organization is given. */
let service: Client
/** Waits for its archive; `developer` asked for it. */
let version: { id: string; uploadId: string; url: string }
beforeAll(async () => {
  app = await testApp()
  tenant = await seedTenant(app, 'plover')
  const organizationId = tenant.ids['Organization']
  const input = { name: 'the developer', role: 'DEVELOPER', organizationId }
  const made = await succeed(app.admin, 'createToken', input, 'secret')
  developer = app.client(made['secret'] as string) // selected just above
  stranger = (await seedOrganization(app)).admin
  service = app.client(await secretOfService())
  version = await waiting(developer)
})
afterAll(() => app.close())

let count = 0

async function waiting(client: Client, more: object = {}): Promise<typeof version> {
  const made = await succeed(
    client,
    'createDeploymentVersion',
    { deploymentId: tenant.ids['Deployment'], label: `w${(count += 1)}`, ...more },
    'version { id } upload { id url }',
  )
  const { version: of, upload } = made as {
    version: { id: string }
    upload: { id: string; url: string }
  } // selected just above
  return { id: of.id, uploadId: upload.id, url: upload.url }
}

/** What a service that tells its environment tells. */
async function secretOfService(): Promise<string> {
  const admin = tenant.viewers.ADMIN
  const teller = await waiting(admin, { image: 'node' })
  const code = 'export const handler = () => new Response(process.env.MILLRACE_TOKEN)'
  await put(teller.url, await tarGz({ 'main.mjs': code }))
  const { service: made } = await succeed(
    admin,
    'createService',
    { name: 'teller', backend: { process: { versionId: teller.id } } },
    'service { id ... on ProcessService { invokeUrl } }',
  )
  const { invokeUrl } = made as { invokeUrl: string } // selected just above
  let told = ''
  await until(async () => {
    const answer = await fetch(invokeUrl, { headers: admin.headers })
    told = await answer.text()
    return answer.status === 200
  })
  return told
}

const lesser = (): Record<string, Client> => {
  const { VIEWER, WORKER, project } = tenant.viewers
  return {
    VIEWER: VIEWER ?? stranger,
    WORKER: WORKER ?? stranger,
    'ADMIN of a project': project ?? stranger,
    'ADMIN of another organization': stranger,
    service,
    nobody: app.stranger,
  }
}
const roles = [
  'VIEWER',
  'WORKER',
  'ADMIN of a project',
  'ADMIN of another organization',
  'service',
  'nobody',
]
const FIELDS = '{ id method url headers { name value } }'

test.each(roles)('no field of the schema shows a URL that takes bytes: %s', async (role) => {
  const client = lesser()[role] ?? stranger
  const text = JSON.stringify(await everything(client, tenant))
  expect(text).not.toMatch(/\/uploads\/[^"]*signature=/)
})

test('what a developer reads in the same way has one', async () => {
  const text = JSON.stringify(await everything(developer, tenant))
  expect(text).toMatch(/\/uploads\/[^"]*signature=/)
})

test.each(roles)('an upload has no URL and no headers however it is reached: %s', async (role) => {
  const client = lesser()[role] ?? stranger
  const { uploadId } = version
  const { data } = await send(
    client,
    `query ($id: ID!) {
      upload(id: $id) ${FIELDS}
      node(id: $id) { ... on Upload ${FIELDS} }
      nodes(ids: [$id]) { ... on Upload ${FIELDS} }
      activity(first: 100) { nodes { subject { ... on Upload ${FIELDS} } } } }`,
    { id: uploadId },
  )
  const text = JSON.stringify(data)
  expect(text).not.toMatch(/signature/)
  expect(text).not.toMatch(/"headers":\[/)
  if (role === 'VIEWER' || role === 'service')
    expect(data?.['upload']).toEqual({ id: uploadId, method: 'PUT', url: null, headers: null })
})

test('a subscription shows an upload’s URL to those who may send its bytes', async () => {
  const query = `subscription { organizationChanged(after: "start", filter: { actions: ["createUpload"] }) {
    activities { subject { ... on Upload ${FIELDS} } } } }`
  const first = async (client: Client): Promise<string> => {
    const socket = client.socket()
    try {
      for await (const { data } of socket.iterate({ query })) {
        const text = JSON.stringify(data)
        if (text.includes('"upl_')) return text
      }
      return ''
    } finally {
      await socket.dispose()
    }
  }
  expect(await first(developer)).toMatch(/signature=/)
  expect(await first(lesser()['VIEWER'] ?? stranger)).toMatch(/"url":null,"headers":null/)
})

test('an answer that is repeated shows its URL no more to whoever has become a VIEWER', async () => {
  const email = `${randomUUID()}@example.com`
  const person = { email, password: `${email} ${email}` }
  const set = (role: string, more: object = {}) =>
    succeed(
      app.admin,
      'setMember',
      { email, organizationId: tenant.ids['Organization'], role, ...more },
      '__typename',
    )
  await set('DEVELOPER', person)
  const signedIn = await succeed(app.stranger, 'signIn', person, 'secret')
  const input = { name: 'again', idempotencyKey: randomUUID() }
  const once = () =>
    send(
      app.client(signedIn['secret'] as string), // selected just above
      `mutation ($input: CreateUploadInput!) {
        createUpload(input: $input) { __typename ... on CreateUploadSuccess { replayed upload ${FIELDS} } } }`,
      { input },
    )
  expect(JSON.stringify(await once())).toMatch(/signature=/)
  expect(JSON.stringify(await once())).toMatch(/"replayed":true.*signature=/)
  await set('VIEWER')
  await until(async () => {
    const { createUpload } = (await once()).data as { createUpload: { __typename: string } } // selected above
    return createUpload.__typename === 'Forbidden'
  })
  expect((await once()).data).toEqual({ createUpload: { __typename: 'Forbidden' } })
})

test('the archive, which is source code, is fetched by whoever may read the organization', async () => {
  const query = `query ($id: ID!) { node(id: $id) { ... on DeploymentVersion { archive { sha256 downloadUrl } } } }`
  const url = async (client: Client): Promise<unknown> => {
    const { data } = await send(client, query, { id: tenant.ids['DeploymentVersion'] })
    const node = data?.['node'] as { archive: { downloadUrl: string } | null } | null | undefined
    return node?.archive?.downloadUrl ?? null
  }
  for (const client of [tenant.viewers.ADMIN, developer, lesser()['VIEWER'] ?? stranger, service])
    expect(await url(client)).toMatch(/\/archives\/.*signature=/)
  for (const role of ['WORKER', 'ADMIN of a project', 'ADMIN of another organization', 'nobody'])
    expect(await url(lesser()[role] ?? stranger), role).toBeNull()
})

test('the history says who asked for the upload, of its bytes and of what became of the version', async () => {
  const { uploadId, id, url } = version
  await put(url, Buffer.from('no archive'))
  await put(url, await tarGz({ 'main.py': '' }))
  const { data } = await send(
    developer,
    `query ($ids: [ID!]!, $id: ID!) {
      activity(first: 100, filter: { subjectIds: $ids }) { nodes { action actor { kind name } changes { field from to } } }
      deployment(id: $id) { events(first: 100) { nodes { kind actor { kind name } changes { field to } } } } }`,
    { ids: [uploadId, id], id: tenant.ids['Deployment'] },
  )
  const { activity, deployment } = data as {
    activity: { nodes: { action: string; actor: object; changes: { to: unknown }[] }[] }
    deployment: { events: { nodes: { kind: string; actor: object; changes: { to: unknown }[] }[] } }
  }
  const actor = { kind: 'TOKEN', name: 'the developer' }
  const acts = activity.nodes.toReversed().map(({ action, actor: who }) => ({ action, who }))
  expect(acts).toEqual(
    [
      'createDeploymentVersion',
      'versionStatusChanged',
      'versionStatusChanged',
      'versionStatusChanged',
      'uploadReceived',
      'versionStatusChanged',
    ].map((action) => ({ action, who: actor })),
  )
  const label = activity.nodes.at(-1)?.changes[0]?.to
  const events = deployment.events.nodes.filter(({ changes }) => changes[0]?.to === label)
  expect(events.map(({ kind }) => kind)).toEqual([
    'VERSION_CREATED',
    'VERSION_CHECKING',
    'VERSION_REJECTED',
    'VERSION_CHECKING',
    'VERSION_READY',
  ])
  for (const event of events) expect(event.actor).toEqual(actor)
})
