import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { graphql } from '../../testkit/generated/index.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { tarGz } from '../../testkit/archive.ts'
import { CreateDeployment, CreateVersion } from '../../testkit/operations/deployments.ts'
import { Viewer } from '../../testkit/operations/organizations.ts'
import { CreateService, DeleteService } from '../../testkit/operations/services.ts'
import { succeeded, whole } from '../../testkit/outcome.ts'
import { testFolder } from '../../testkit/folder.ts'
import { becomes, runningService, send } from '../../testkit/seed/services.ts'

let app: TestApp
beforeAll(async () => {
  process.env.A_SECRET_OF_THE_SERVER = 'must-not-leak'
  app = await testApp({ ADMIN_TOKEN: 'an-admin-token-that-must-not-leak' })
})
afterAll(async () => {
  delete process.env.A_SECRET_OF_THE_SERVER
  await app.close()
})

const Environment = graphql(`
  query EnvironmentOf($id: ID!) {
    service(id: $id) {
      ... on ProcessService {
        environment {
          name
          isSecret
          source
          value
          shown: value(reveal: true)
        }
      }
    }
    activity(last: 20, filter: { actions: ["revealSecret"] }) {
      nodes {
        changes {
          field
          to
        }
      }
    }
  }
`)

const layer = (source: string, ...names: string[]) => names.map((name) => ({ name, value: source }))

test('a process sees its three layers, a token of its own, and nothing else of ours', async () => {
  const deployed = await app.admin.request(CreateDeployment, {
    input: { name: 'layers', environment: layer('deployment', 'A', 'B', 'C', 'MILLRACE_TOKEN') },
  })
  const { deployment } = succeeded(deployed.createDeployment, 'CreateDeploymentSuccess')
  const versioned = await app.admin.request(CreateVersion, {
    input: { deploymentId: deployment.id, label: '1', parameters: layer('version', 'B', 'C') },
  })
  const { version, upload } = succeeded(
    versioned.createDeploymentVersion,
    'CreateDeploymentVersionSuccess',
  )
  const source =
    'import os\ndef handler(request, context):\n    return {"content": dict(os.environ)}\n'
  await send(upload.url ?? '', await tarGz({ 'main.py': source }))
  const environment = [...layer('service', 'C'), { name: 'KEY', value: 's3cret', isSecret: true }]
  const { createService } = await app.admin.request(CreateService, {
    input: { name: 'layers', backend: { process: { versionId: version.id, environment } } },
  })
  const { service } = succeeded(createService, 'CreateServiceSuccess')
  await becomes(app.admin, service.id, 'READY')

  const response = await fetch(whole(service)?.invokeUrl ?? '', { headers: app.admin.headers })
  const seen = z.record(z.string(), z.string()).parse(await response.json())
  expect(seen).toMatchObject({
    A: 'deployment',
    B: 'version',
    C: 'service',
    KEY: 's3cret',
    MILLRACE_URL: app.url,
  })
  expect(seen).toMatchObject({
    MILLRACE_SERVICE_ID: service.id,
    MILLRACE_DEPLOYMENT_ID: deployment.id,
    MILLRACE_SERVICE_URL: `${app.url}/deployments/${deployment.id}/services/${service.id}`,
    MILLRACE_PAGE_URL: expect.stringMatching(/^http:\/\/svc-\w+\.localhost:\d+\/$/),
    MILLRACE_INSTANCE: expect.any(String),
  })
  expect(Object.keys(seen).filter((name) => name.startsWith('MILLRACE_'))).toHaveLength(7)
  // what a handler finds that calls the platform in ABEJA's words (contract abeja 4.3)
  expect(seen).toMatchObject({ HANDLER: 'main:handler', ABEJA_TRAINING_RESULT_DIR: '.' })
  const url = seen['ABEJA_API_URL']?.replace('//x@', '//')
  const mine = await fetch(`${url}/organizations/${seen['ABEJA_ORGANIZATION_ID']}/deployments`, {
    headers: { authorization: `Bearer ${seen['PLATFORM_AUTH_TOKEN']}` },
  })
  expect(mine.status).toBe(200)
  expect(seen).not.toHaveProperty('A_SECRET_OF_THE_SERVER')
  expect(JSON.stringify(seen)).not.toContain('must-not-leak')

  const own = app.client(seen.MILLRACE_TOKEN)
  expect((await own.request(Viewer)).viewer).toMatchObject({ role: 'VIEWER', user: null })
  const { createDeployment } = await own.request(CreateDeployment, { input: { name: 'no' } })
  expect(createDeployment.__typename).toBe('Forbidden')

  const { service: read } = await app.admin.request(Environment, { id: service.id })
  expect(read?.environment).toContainEqual({
    name: 'A',
    source: 'DEPLOYMENT',
    isSecret: false,
    value: 'deployment',
    shown: 'deployment',
  })
  expect(read?.environment).toContainEqual({
    name: 'B',
    source: 'VERSION',
    isSecret: false,
    value: 'version',
    shown: 'version',
  })
  expect(read?.environment).toContainEqual({
    name: 'KEY',
    source: 'SERVICE',
    isSecret: true,
    value: null,
    shown: 's3cret',
  })
  const { activity } = await app.admin.request(Environment, { id: service.id })
  expect(activity.nodes.flatMap(({ changes }) => changes)).toContainEqual({
    field: 'environment.KEY',
    to: null,
  })
  expect(JSON.stringify(activity)).not.toContain('s3cret')
  expect((await own.execute(Environment, { id: service.id })).errors?.[0]?.extensions?.code).toBe(
    'FORBIDDEN',
  )

  await app.admin.request(DeleteService, { input: { id: service.id } })
  const refused = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: own.headers,
    body: '{}',
  })
  expect(refused.status).toBe(401)
})

test('a program of Node.js is what its folder says, wherever that of the server lies', async () => {
  const folder = await testFolder()
  await writeFile(join(folder.path, 'package.json'), '{"type":"module"}')
  const within = await testApp({ RUNTIME_DIR: join(folder.path, 'runtime') })
  try {
    const files = { 'main.js': "exports.handler = () => new Response('of CommonJS')" }
    const { invokeUrl } = await runningService(within.admin, files, { image: 'node' })
    const answer = await fetch(invokeUrl, { headers: within.admin.headers })
    expect(await answer.text()).toBe('of CommonJS')
  } finally {
    await within.close()
    await folder.remove()
  }
})
