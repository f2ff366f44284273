import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { errorFields } from '../../src/kit/error-fields.ts'
import { Client } from '../../testkit/client.ts'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { seed } from '../../testkit/seed/chain.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'
import { doors, type Operation } from './doors.ts'

/** Everything that only its owner may read. */
const secrets: string[] = []
const secret = (name: string): string => {
  const text = `sekret-${name}-${Math.random().toString(36).slice(2)}`
  secrets.push(text)
  return text
}

let database: TestDatabase
let server: TestServer
beforeAll(async () => {
  database = await testDatabase()
  const ADMIN_TOKEN = secret('admin-token')
  server = new TestServer(database, { LOG_LEVEL: 'trace', ADMIN_TOKEN })
  await server.start()
})
afterAll(async () => {
  await server.end('SIGTERM')
  await database.drop()
})

const CREATE_VERSION = `mutation ($input: CreateDeploymentVersionInput!) {
  createDeploymentVersion(input: $input) {
    ... on CreateDeploymentVersionSuccess { upload { url } }
  }
}`

/** Operations with something secret in them: some succeed, some fail, some may be faults. */
const operations = (): Operation[] => [
  {
    query: `mutation { signIn(input: { email: "admin@localhost", password: "${secret('password-in-text')}" }) { __typename } }`,
  },
  {
    query: 'mutation ($input: SignInInput!) { signIn(input: $input) { __typename } }',
    variables: { input: { email: 'admin@localhost', password: secret('password') } },
  },
  {
    query: 'mutation ($input: SetMemberInput!) { setMember(input: $input) { __typename } }',
    variables: {
      input: { email: 'new@example.com', role: 'VIEWER', password: secret('new-password') },
    },
  },
  {
    query:
      'mutation ($input: CreateDeploymentInput!) { createDeployment(input: $input) { __typename } }',
    variables: {
      input: { name: 'secretive', environment: [{ name: 'KEY', value: secret('environment') }] },
    },
  },
  {
    query:
      'mutation ($input: CreateDeploymentInput!) { createDeployment(input: $input) { __typename } }',
    variables: {
      input: { name: 'nul\u0000', environment: [{ name: 'KEY', value: `${secret('nul')}\u0000` }] },
    },
  },
  {
    query:
      'mutation ($input: CreateDeploymentInput!) { createDeployment(input: $input) { __typename } }',
    variables: {
      input: {
        name: 'lone',
        description: '\ud800',
        environment: [{ name: 'KEY', value: `${secret('lone')}\udfff` }],
      },
    },
  },
  {
    query:
      'mutation ($input: CreateDeploymentInput!) { createDeployment(input: $input) { __typename } }',
    variables: { input: { name: 7, environment: secret('wrong-type') } },
  },
  { query: `{ viewer { ${secret('field').replaceAll('-', '_')} } }` },
  { query: `{ viewer "${secret('syntax')}" }` },
  { query: `{ service(id: "${secret('id')}\\u0000") { id } }` },
  {
    query: `{ ${'a { '.repeat(60)} b(c: "${secret('deep')}") ${'}'.repeat(60)} }`,
  },
]

test('no secret is in the log of a server, not even at LOG_LEVEL=trace and when things fail', async () => {
  for (const ask of Object.values(doors))
    for (const operation of operations()) {
      await ask(server.admin, operation)
      await ask(new Client(server.url, undefined), operation)
      // the WebSocket of a credential that is not known is closed
      await ask(new Client(server.url, secret('bad-token')), operation).catch(() => {})
    }
  await fetch(`${server.url}/graphql?query={__typename}&variables=${secret('url')}`, {
    headers: {
      authorization: `Basic ${Buffer.from(`me:${secret('basic')}`).toString('base64')}`,
      cookie: `millrace=${secret('cookie')}; other=${secret('other-cookie')}`,
    },
  })
  await fetch(`${server.url}/uploads/upl_x/source.tgz?expires=9&signature=${secret('signature')}`, {
    method: 'PUT',
    body: secret('body'),
  })
  await fetch(`${server.url}/deployments/d/services/s?key=${secret('query')}`, {
    headers: server.admin.headers,
  })
  await doors['POST']!(server.admin, { query: '{ viewer { role } }' })

  // a token that was made, a service that has a secret and fails, and a signed URL where nothing can be stored
  const made = await doors['POST']!(server.admin, {
    query:
      'mutation { createToken(input: { name: "t", role: VIEWER }) { ... on CreateTokenSuccess { secret } } }',
  })
  const { secret: token } = (made.data ?? {})['createToken'] as { secret: string } // as selected
  secrets.push(token)
  await doors['POST']!(new Client(server.url, token), { query: '{ viewer { token { name } } }' })
  const failing = { 'main.mjs': 'console.log(process.env.KEY); process.exit(1)' }
  const { deploymentId } = await seed(server.admin)
    .deployment()
    .version(failing, { image: 'node' })
    .service({ environment: [{ name: 'KEY', value: secret('service-environment') }] })
    .made()
  const input = { deploymentId, label: 'lost' }
  const begun = await doors['POST']!(server.admin, { query: CREATE_VERSION, variables: { input } })
  const { upload } = (begun.data ?? {})['createDeploymentVersion'] as { upload: { url: string } } // as above
  secrets.push(new URL(upload.url).searchParams.get('signature') ?? '')
  const folder = join(database.dataDir, 'storage', 'incoming')
  await rm(folder, { recursive: true })
  await writeFile(folder, '')
  const refused = await fetch(upload.url, { method: 'PUT', body: secret('archive') })
  expect(refused.status).toBe(503)
  const { detail: told } = (await refused.json()) as { detail: string } // problem details
  const requestId = /request ([\w-]+)/.exec(told)?.[1] ?? 'none'
  expect(told).not.toContain(folder)

  // the fault is in the log, under the id the caller was told
  await until(() => server.output.includes(requestId))
  if (database.url !== undefined) secrets.push(`:${new URL(database.url).password}@`)
  expect(secrets.length).toBeGreaterThan(40)
  expect(secrets.filter((text) => text.length > 2 && server.output.includes(text))).toEqual([])
})

test('of an error the log says what it is and where it was, not what hangs on it', () => {
  const inner = Object.assign(new TypeError('no such column'), {
    code: '42703',
    parameters: ['sekret'],
  })
  const error = Object.assign(new Error('it failed', { cause: inner }), {
    headers: { a: 'sekret' },
  })
  expect(errorFields(error)).toEqual({
    type: 'Error',
    message: 'it failed',
    stack: error.stack,
    cause: { type: 'TypeError', message: 'no such column', code: '42703', stack: inner.stack },
  })
  const circular = new Error('round')
  circular.cause = circular
  expect(JSON.stringify(errorFields(circular))).not.toContain('sekret')
  expect(errorFields('text')).toEqual({ type: 'string', message: 'text' })
})
