import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import type { Client } from '../../testkit/client.ts'
import { update } from '../../testkit/operations/services.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seedOrganization } from '../../testkit/seed/organizations.ts'
import { becomes, runningService } from '../../testkit/seed/services.ts'
import { ask, doorsOf, everyDoor, type Doors } from './every-door.ts'
import { server } from './programs.ts'

/* Pages of other origins that call services (the CORS protocol of the Fetch standard). */
const PAGE = 'https://app.example.com'

const Policy = graphql(`
  query CorsPolicyOf($id: ID!) {
    service(id: $id) {
      revision
      ... on ProcessService {
        cors {
          origins
          methods
          headers
          exposedHeaders
          maxAgeSeconds
        }
      }
    }
  }
`)

const apps: Record<string, TestApp> = {}
let app: TestApp
let admin: Client
let service: { id: string; invokeUrl: string }
let doors: Doors
beforeAll(async () => {
  app = await testApp({ AUTH: 'token' })
  ;({ admin } = await seedOrganization(app))
  service = await runningService(admin, server.files, { command: server.command })
  doors = await doorsOf(admin, service)
})
afterAll(() => Promise.all([app, ...Object.values(apps)].map((one) => one.close())))

async function set(cors: Parameters<typeof policy>[0] | null) {
  return (await update(admin, { id: service.id, backend: { process: { cors } } })).updateService
}
const policy = (given: {
  origins: string[]
  methods?: string[]
  headers?: string[]
  exposedHeaders?: string[]
  maxAgeSeconds?: number
}) => given

async function askAt(door: keyof Doors, method: string, headers: Record<string, string>) {
  const answer = await ask(doors[door], method, '/x', headers)
  const cors = Object.entries(answer.headers).filter(([name]) => /^access-control|^vary/.test(name))
  return { status: answer.status, cors: Object.fromEntries(cors), body: answer.body }
}
const preflight = (origin = PAGE) => ({
  origin,
  'access-control-request-method': 'PATCH',
  'access-control-request-headers': 'authorization,x-any',
})

test.each(everyDoor)(
  'a preflight is answered by the policy, without a credential, at the door "%s"',
  async (door) => {
    await set(null)
    expect(await askAt(door, 'OPTIONS', preflight())).toMatchObject({ status: 403, cors: {} })
    succeeded(await set(policy({ origins: [PAGE] })), 'UpdateServiceSuccess')
    expect(await askAt(door, 'OPTIONS', preflight())).toMatchObject({
      status: 204,
      body: '',
      cors: {
        'access-control-allow-origin': PAGE,
        'access-control-allow-methods': 'PATCH',
        'access-control-allow-headers': 'authorization,x-any',
        'access-control-max-age': '600',
        vary: expect.stringContaining('Origin'),
      },
    })
    for (const other of [
      'https://evil.example.com',
      'null',
      'http://app.example.com',
      `${PAGE}:8443`,
    ]) {
      const { status, cors } = await askAt(door, 'OPTIONS', preflight(other))
      expect([status, cors['access-control-allow-origin']]).toEqual([403, undefined])
    }
    // what is no preflight needs a credential like anything else
    expect((await askAt(door, 'OPTIONS', { origin: PAGE })).status).toBe(401)
    expect((await askAt(door, 'OPTIONS', {})).status).toBe(401)
    const { status, body } = await askAt(door, 'OPTIONS', { origin: PAGE, ...admin.headers })
    expect(status).toBe(200)
    expect(body).toContain('"method":"OPTIONS"') // the service's own
  },
)

test.each(everyDoor)(
  'a page reads what the policy lets it, refusals included, at the door "%s"',
  async (door) => {
    await set(policy({ origins: [PAGE], exposedHeaders: ['X-Method'] }))
    const let_ = {
      'access-control-allow-origin': PAGE,
      'access-control-expose-headers': 'x-method',
    }
    const answer = await askAt(door, 'PATCH', { origin: PAGE, ...admin.headers })
    expect(answer).toMatchObject({ status: 200, cors: let_ })
    expect(answer.cors['vary']).toMatch(/Origin.*Accept/)
    const refused = await askAt(door, 'PATCH', { origin: PAGE, authorization: 'Bearer mr_none' })
    expect(refused).toMatchObject({ status: 401, cors: let_ })
    // to others the service does not open what its policy keeps
    const other = await askAt(door, 'PATCH', {
      origin: 'https://evil.example.com',
      ...admin.headers,
    })
    expect(other.cors).not.toHaveProperty('access-control-allow-origin')
    await set(null)
    const own = await askAt(door, 'PATCH', { origin: PAGE, ...admin.headers })
    expect(own.cors['access-control-allow-origin']).toBe('https://said.by.the.service')
  },
)

test('a policy is kept as it was given, changes alone and restarts nothing', async () => {
  await set(null)
  await becomes(admin, service.id, 'READY')
  const given = policy({
    origins: ['https://APP.example.com:443', 'http://localhost:5173', 'tauri://localhost', '*'],
    methods: ['get', 'PATCH'],
    headers: ['Authorization'],
    maxAgeSeconds: 0,
  })
  succeeded(await set(given), 'UpdateServiceSuccess')
  const { service: before } = await admin.request(Policy, { id: service.id })
  expect(before).toMatchObject({
    cors: {
      origins: [PAGE, 'http://localhost:5173', 'tauri://localhost', '*'],
      methods: ['GET', 'PATCH'],
      headers: ['authorization'],
      exposedHeaders: null,
      maxAgeSeconds: 0,
    },
  })
  expect((await askAt('service', 'OPTIONS', preflight('https://any.example'))).cors).toMatchObject({
    'access-control-allow-origin': 'https://any.example',
    'access-control-allow-methods': 'GET, PATCH',
    'access-control-allow-headers': 'authorization',
    'access-control-max-age': '0',
  })
  succeeded(await set(given), 'UpdateServiceSuccess')
  expect((await admin.request(Policy, { id: service.id })).service).toEqual(before)
  const renamed = await update(admin, { id: service.id, name: 'renamed' })
  succeeded(renamed.updateService, 'UpdateServiceSuccess')
  const { service: after } = await admin.request(Policy, { id: service.id })
  expect(after).toMatchObject({
    cors: { origins: [PAGE, 'http://localhost:5173', 'tauri://localhost', '*'] },
  })
})

test.each([
  [{ origins: [] }],
  [{ origins: ['app.example.com'] }],
  [{ origins: ['https://app.example.com/'] }],
  [{ origins: ['https://app.example.com/path'] }],
  [{ origins: ['https://user@app.example.com'] }],
  [{ origins: ['https://a.example, https://b.example'] }],
  [{ origins: ['null'] }],
  [{ origins: ['*'], methods: ['GET, PUT'] }],
  [{ origins: ['*'], headers: ['x y'] }],
  [{ origins: ['*'], headers: ['x\r\ny: z'] }],
  [{ origins: ['*'], maxAgeSeconds: -1 }],
  [{ origins: ['*'], maxAgeSeconds: 100_000 }],
])('%j is no policy', async (given) => {
  expect(await set(given)).toMatchObject({
    __typename: 'ValidationError',
    issues: [{ path: expect.arrayContaining(['backend', 'process', 'cors']) }],
  })
})

test('without authentication a page still needs a credential, and may read that it does', async () => {
  const open = (apps['open'] = await testApp({ AUTH: 'open' }))
  const one = await runningService(open.admin, server.files, { command: server.command })
  await update(open.admin, { id: one.id, backend: { process: { cors: { origins: [PAGE] } } } })
  const asked = await fetch(one.invokeUrl, { method: 'OPTIONS', headers: preflight() })
  expect(asked.status).toBe(204)
  const refused = await fetch(one.invokeUrl, { method: 'PATCH', headers: { origin: PAGE } })
  expect(refused.status).toBe(403)
  expect(refused.headers.get('access-control-allow-origin')).toBe(PAGE)
  expect((await fetch(one.invokeUrl, { method: 'PATCH' })).status).toBe(200)
})
