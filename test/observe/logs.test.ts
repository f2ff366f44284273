import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { ServiceStatus } from '../../testkit/operations/services.ts'
import { seedQueue } from '../../testkit/seed/jobs.ts'
import { becomes, runningService } from '../../testkit/seed/services.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'

const slow = {
  'package.json': '{"type":"module"}',
  'main.js': `
    export async function handler(request) {
      const { searchParams } = new URL(request.url)
      if (searchParams.has('die')) process.exit(1)
      if (searchParams.has('slow')) await new Promise((resolve) => setTimeout(resolve, 1_200))
      return new Response('ok', { headers: { 'x-request-id': 'the-instances-own' } })
    }`,
}

let database: TestDatabase
let server: TestServer
let service: { id: string; invokeUrl: string }
beforeAll(async () => {
  database = await testDatabase()
  server = new TestServer(database, { LOG_LEVEL: 'debug' })
  await server.start()
  service = await runningService(server.admin, slow, { image: 'node' })
})
afterAll(async () => {
  await server.end('SIGTERM')
  await database.drop()
})

type Line = Readonly<Record<string, unknown>>

/** The lines of the log; each that begins like one must be one. */
const lines = (): Line[] =>
  server.output
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line)

/** The line that a request ends with. */
async function lineOf(requestId: string): Promise<Line> {
  const ends = () =>
    lines().filter((line) => line['requestId'] === requestId && line['status'] !== undefined)
  await until(() => ends().length > 0)
  expect(ends()).toHaveLength(1)
  return ends()[0] ?? {}
}

const DEBUG = 20
const INFO = 30
const WARN = 40

test('every answer has an id, under which the log has its line, with the route and the caller', async () => {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...server.admin.headers },
    body: JSON.stringify({ query: ServiceStatus.toString(), variables: { id: service.id } }),
  })
  const id = response.headers.get('x-request-id') ?? ''
  expect(id).toMatch(/^[\da-f-]{36}$/)
  const line = await lineOf(id)
  expect(line).toMatchObject({
    level: DEBUG,
    method: 'POST',
    route: '/graphql',
    status: 200,
    caller: { kind: 'token', id: expect.any(String) as string },
    msg: 'a request was answered',
  })
  expect(line['durationMs']).toBeGreaterThan(0)
  expect(line['bytes']).toBeGreaterThan(100)
})

const idFor = async (given: string) => {
  const response = await fetch(`${server.url}/healthz`, { headers: { 'x-request-id': given } })
  return response.headers.get('x-request-id')
}

test('a sane id of the caller is kept, any other is not', async () => {
  expect(await idFor('order-17.retry:2/a+b=')).toBe('order-17.retry:2/a+b=')
  expect((await lineOf('order-17.retry:2/a+b='))['caller']).toBeUndefined()
  for (const bad of ['has "quotes"', 'x'.repeat(129), 'tab\there', '{"a":1}'])
    expect(await idFor(bad), bad).toMatch(/^[\da-f-]{36}$/)
})

test('the id is on refusals too, and an instance cannot put its own in its place', async () => {
  for (const path of ['/nowhere', '/archives/arc_1/source.tgz'])
    expect((await fetch(server.url + path)).headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/)
  const answer = await fetch(service.invokeUrl, {
    headers: { ...server.admin.headers, 'x-request-id': 'for-the-instance' },
  })
  expect(answer.headers.get('x-request-id')).toBe('for-the-instance')
})

test.concurrent('what was slow is told at info, and what failed by our fault at warn', async () => {
  const slowly = await fetch(`${service.invokeUrl}?slow=1`, { headers: server.admin.headers })
  expect(await lineOf(slowly.headers.get('x-request-id') ?? '')).toMatchObject({
    level: INFO,
    route: '/deployments/:deployment/services/:service',
  })
  const failed = await fetch(`${service.invokeUrl}?die=1`, { headers: server.admin.headers })
  expect(failed.status).toBe(502)
  expect(await lineOf(failed.headers.get('x-request-id') ?? '')).toMatchObject({ level: WARN })
  await becomes(server.admin, service.id, 'READY')
})

test.concurrent('a wait that was asked for is no slowness', async () => {
  const [queue, other] = [await seedQueue(server.admin), await seedQueue(server.admin)]
  const ask = async (query: string, input: object): Promise<Line> => {
    const answer = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...server.admin.headers },
      body: JSON.stringify({ query, variables: { input: { ...input, waitSeconds: 2 } } }),
    })
    expect(await answer.text()).toContain('Success')
    return lineOf(answer.headers.get('x-request-id') ?? '')
  }
  const claim = 'mutation ($input: ClaimJobsInput!) { claimJobs(input: $input) { __typename } }'
  const submit = 'mutation ($input: SubmitJobInput!) { submitJob(input: $input) { __typename } }'
  const waits = [
    () => ask(claim, { serviceIds: [queue], worker: 'w', claimId: randomUUID() }),
    () => ask(submit, { serviceId: other }),
  ]
  await Promise.all(
    waits.map(async (wait) => {
      let line = await wait()
      // where the machine is slow, so may be what an answer takes besides
      while (line['level'] === INFO && Number(line['durationMs']) > 3_000) line = await wait()
      expect(line).toMatchObject({ level: DEBUG })
      expect(line['durationMs']).toBeGreaterThan(1_500)
    }),
  )
})

test('no secret and no query string is in any line', async () => {
  const secret = 'a-secret-nobody-may-read'
  const { headers } = server.admin
  await fetch(`${service.invokeUrl}?signature=${secret}`, { headers })
  await fetch(`${server.url}/archives/arc_1/source.tgz?expires=1&signature=${secret}`)
  await fetch(`${server.url}/graphql`, { headers: { authorization: `Bearer ${secret}` } })
  const last = await fetch(`${server.url}/healthz`)
  await lineOf(last.headers.get('x-request-id') ?? '')
  expect(server.output).not.toContain(secret)
  expect(server.output).not.toContain(server.admin.token)
})
