import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import type { Answer, Client } from '../../testkit/client.ts'
import {
  CreateDeployment,
  CreateUpload,
  CreateVersion,
  DeleteDeployment,
  DeleteVersion,
  UpdateDeployment,
} from '../../testkit/operations/deployments.ts'
import { CreateToken, RevokeToken } from '../../testkit/operations/organizations.ts'
import {
  CreateService,
  DeleteService,
  RestartService,
  RollBack,
  ScaleService,
  StartService,
  StopService,
  UpdateService,
} from '../../testkit/operations/services.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seedOrganization, seedToken } from '../../testkit/seed/organizations.ts'
import { runningService, versionOf } from '../../testkit/seed/services.ts'

let app: TestApp
let ours: { id: string; admin: Client }
let theirs: { id: string; admin: Client }
let service: Awaited<ReturnType<typeof runningService>>
let uploadId: string
let tokenId: string
beforeAll(async () => {
  app = await testApp()
  ours = await seedOrganization(app)
  theirs = await seedOrganization(app)
  const files = { 'main.mjs': "export const handler = () => new Response('ours')\n" }
  service = await runningService(ours.admin, files, { image: 'node:22' })
  const { createUpload } = await ours.admin.request(CreateUpload, { input: { name: 'ours' } })
  uploadId = succeeded(createUpload, 'CreateUploadSuccess').upload.id
  tokenId = (await seedToken(app.admin, ours.id, 'VIEWER')).token.id
})
afterAll(() => app.close())

const Read = graphql(`
  query TenancyRead($deployment: ID!, $version: ID!, $service: ID!, $upload: ID!, $ids: [ID!]!) {
    deployment(id: $deployment) {
      id
    }
    deploymentVersion(id: $version) {
      id
    }
    service(id: $service) {
      id
    }
    upload(id: $upload) {
      id
    }
    nodes(ids: $ids) {
      id
    }
    node(id: $service) {
      id
    }
    deployments {
      totalCount
      nodes {
        id
      }
    }
    services(filter: { deploymentIds: [$deployment] }) {
      totalCount
    }
    everything: services {
      nodes {
        id
      }
    }
  }
`)
const Lists = graphql(`
  query TenancyLists($organizationId: ID!, $one: Boolean!, $two: Boolean!, $three: Boolean!) {
    deployments(organizationId: $organizationId) @include(if: $one) {
      totalCount
    }
    services(organizationId: $organizationId) @include(if: $two) {
      totalCount
    }
    activity(organizationId: $organizationId) @include(if: $three) {
      totalCount
    }
  }
`)
const Follow = {
  serviceLogs: graphql(`
    subscription TenancyLogs($id: ID!, $after: String) {
      serviceLogs(serviceId: $id, after: $after) {
        cursor
      }
    }
  `),
  serviceChanged: graphql(`
    subscription TenancyService($id: ID!, $after: String) {
      serviceChanged(serviceId: $id, after: $after) {
        cursor
      }
    }
  `),
  deploymentChanged: graphql(`
    subscription TenancyDeployment($id: ID!, $after: String) {
      deploymentChanged(deploymentId: $id, after: $after) {
        cursor
      }
    }
  `),
}

/** Ids as they would look of objects that there are not. */
const nobody = (id: string) => id.replace(/_.*/, '_01h455vb4pex5vsknk084sn02q')

/** What is said of an object, without its own id. */
const said = (answer: unknown, id: string) => JSON.stringify(answer).replaceAll(id, '<id>')

test('of another organization nothing is read, by id, handle or list', async () => {
  const seen = await theirs.admin.request(Read, {
    deployment: service.deploymentId,
    version: service.versionId,
    service: service.id,
    upload: uploadId,
    ids: [service.deploymentId, service.versionId, service.id, uploadId, tokenId, ours.id],
  })
  expect(seen).toEqual({
    deployment: null,
    deploymentVersion: null,
    service: null,
    upload: null,
    nodes: [null, null, null, null, null, null],
    node: null,
    deployments: { totalCount: 0, nodes: [] },
    services: { totalCount: 0 },
    everything: { nodes: [] },
  })
})

const stolen = (versionId: string) => ({ name: 'stolen', backend: { process: { versionId } } })

test('a change of a foreign object is answered like a change of an absent one', async () => {
  const { admin } = theirs
  const { deploymentId, versionId, id } = service
  const changes: [string, (id: string) => Promise<Answer<object>>][] = [
    [
      deploymentId,
      (which) => admin.execute(UpdateDeployment, { input: { id: which, name: 'stolen' } }),
    ],
    [deploymentId, (which) => admin.execute(DeleteDeployment, { input: { id: which } })],
    [
      deploymentId,
      (which) => admin.execute(CreateVersion, { input: { deploymentId: which, label: '9' } }),
    ],
    [versionId, (which) => admin.execute(DeleteVersion, { input: { id: which } })],
    [versionId, (which) => admin.execute(CreateService, { input: stolen(which) })],
    [id, (which) => admin.execute(StartService, { input: { id: which } })],
    [id, (which) => admin.execute(StopService, { input: { id: which } })],
    [id, (which) => admin.execute(RestartService, { input: { id: which } })],
    [id, (which) => admin.execute(DeleteService, { input: { id: which } })],
    [id, (which) => admin.execute(ScaleService, { input: { id: which, scale: { desired: 2 } } })],
    [id, (which) => admin.execute(UpdateService, { input: { id: which, name: 'stolen' } })],
    [
      deploymentId,
      (which) => admin.execute(RollBack, { input: { deploymentId: which, versionId } }),
    ],
    [tokenId, (which) => admin.execute(RevokeToken, { input: { id: which } })],
    [service.handle, (which) => admin.execute(StopService, { input: { id: which } })],
  ]
  for (const [which, change] of changes) {
    const foreign = await change(which)
    expect(JSON.stringify(foreign)).toContain('"NotFound"')
    expect(said(foreign, which)).toBe(said(await change(nobody(which)), nobody(which)))
  }
})

test('a rollback cannot borrow what is foreign', async () => {
  const own = await runningService(
    theirs.admin,
    { 'main.mjs': 'export const handler = () => new Response()\n' },
    { image: 'node' },
  )
  const { deploymentId, versionId } = own
  for (const input of [
    { deploymentId, versionId: service.versionId },
    { deploymentId, versionId, serviceIds: [service.id] },
  ]) {
    const { rollBackDeployment } = await theirs.admin.request(RollBack, { input })
    expect(rollBackDeployment.__typename).toBe('NotFound')
  }
})

test('a request that names a foreign or unknown organization is Forbidden', async () => {
  for (const organizationId of [
    ours.id,
    nobody(ours.id),
    'default',
    'nobody',
    'abeja:1000000000001',
  ]) {
    const input = { name: 'x', organizationId }
    const { admin } = theirs
    expect((await admin.request(CreateDeployment, { input })).createDeployment.__typename).toBe(
      'Forbidden',
    )
    expect((await admin.request(CreateUpload, { input })).createUpload.__typename).toBe('Forbidden')
    const token = { ...input, role: 'ADMIN' as const }
    expect((await admin.request(CreateToken, { input: token })).createToken.__typename).toBe(
      'Forbidden',
    )
    for (const place of [0, 1, 2]) {
      const [one, two, three] = [0, 1, 2].map((n) => n === place)
      const variables = {
        organizationId,
        one: one ?? false,
        two: two ?? false,
        three: three ?? false,
      }
      const { errors } = await admin.execute(Lists, variables)
      expect(errors?.[0]?.extensions?.code).toBe('FORBIDDEN')
    }
  }
})

test('foreign streams are followed by nobody, whatever cursor is brought', async () => {
  const socket = theirs.admin.socket()
  try {
    for (const [name, document] of Object.entries(Follow))
      for (const after of [null, 'start', 'anything']) {
        const foreign = name === 'deploymentChanged' ? service.deploymentId : service.id
        const answers: string[] = []
        for (const id of [foreign, nobody(foreign)])
          for await (const { data, errors } of socket.iterate({
            query: document.toString(),
            variables: { id, after },
          })) {
            expect(data ?? null).toBe(null)
            expect(errors?.[0]?.extensions?.code).toBe('NOT_FOUND')
            answers.push(said(errors, id))
          }
        expect(answers).toHaveLength(2)
        expect(answers[0]).toBe(answers[1])
      }
  } finally {
    await socket.dispose()
  }
})

test('a foreign service is called by nobody; a signed URL works for whoever was given it', async () => {
  const { headers } = theirs.admin
  const call = async (url: string) => {
    const response = await fetch(url, { headers })
    return { status: response.status, body: await response.text() }
  }
  const foreign = await call(service.invokeUrl)
  expect(foreign.status).toBe(404)
  const absent = await call(service.invokeUrl.replace(service.id, nobody(service.id)))
  expect(said(foreign, service.id)).toBe(said(absent, nobody(service.id)))
  expect((await fetch(service.invokeUrl, { headers: ours.admin.headers })).status).toBe(200)
  const { archive } = await versionOf(ours.admin, service.versionId)
  const unsigned = new URL(archive?.downloadUrl ?? '')
  unsigned.search = ''
  expect((await fetch(unsigned, { headers })).status).toBe(403)
})
