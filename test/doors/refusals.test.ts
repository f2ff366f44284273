import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { DeleteService, StopService } from '../../testkit/operations/services.ts'
import { seed } from '../../testkit/seed/chain.ts'
import { becomes, logOf, runningService, seedDeployment } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'
import { scaledService } from '../services/scaling.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp({ INVOKE_TIMEOUT_SECONDS: '1' })
})
afterAll(() => app.close())

const files = { 'main.mjs': "export const handler = () => new Response('yes')\n" }
const image = 'node:22'
const call = async (url: string, headers: Record<string, string> = app.admin.headers) => {
  const response = await fetch(url, { headers })
  return { status: response.status, headers: response.headers, body: await response.text() }
}

test('what is not there is 404, what rests 409; a caller without a credential learns only 401', async () => {
  const service = await runningService(app.admin, files, { image })
  const other = await seedDeployment(app.admin)
  const absent = [
    service.invokeUrl.replace(/svc_\w+/, 'svc_01h455vb4pex5vsknk084sn02q'),
    service.invokeUrl.replace(/svc_\w+/, 'nobody'),
    service.invokeUrl.replace(/svc_\w+/, 'svc_%00'),
    service.invokeUrl.replace(/dep_\w+/, other.id),
    service.invokeUrl.replace(/dep_\w+/, 'nothing'),
  ]
  for (const url of absent) {
    const { status, body } = await call(url)
    expect({ url, status, body: JSON.parse(body) }).toMatchObject({
      url,
      status: 404,
      body: { code: 'NOT_FOUND' },
    })
    expect((await call(url, {})).status).toBe(401)
  }
  expect((await call(service.invokeUrl, {})).status).toBe(401)
  expect((await call(service.invokeUrl)).status).toBe(200)

  await app.admin.request(StopService, { input: { id: service.id } })
  await becomes(app.admin, service.id, 'STOPPED')
  expect(await call(service.invokeUrl)).toMatchObject({
    status: 409,
    body: expect.stringContaining('STOPPED'),
  })
  await app.admin.request(DeleteService, { input: { id: service.id } })
  expect((await call(service.invokeUrl)).status).toBe(404)
})

test('a service is called by handle and address as well as by id', async () => {
  const service = await runningService(app.admin, files, { image })
  expect((await call(service.invokeUrl.replace(/svc_\w+/, service.handle))).status).toBe(200)
})

test('a service that is STARTING is 503, and says when to try again', async () => {
  const slow = { 'main.mjs': 'await new Promise(() => setInterval(() => {}, 1000))\n' }
  const made = seed(app.admin).deployment().version(slow, { image }).service()
  const { id, invokeUrl } = await made.made()
  const { status, headers, body } = await call(invokeUrl)
  expect(status).toBe(503)
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  expect(JSON.parse(body)).toMatchObject({ code: 'UNAVAILABLE' })
  await app.admin.request(DeleteService, { input: { id } })
})

test('who waits longer than a call may take for a first instance is answered 504, and the log says why', async () => {
  const scale = { desired: 0, min: 0, max: 1, autoscale: true }
  const { id, invokeUrl } = await scaledService(app.admin, scale, {
    files: { 'main.txt': '' },
    command: 'exec sleep 1000',
  })
  await becomes(app.admin, id, 'READY')
  const { status, body } = await call(invokeUrl)
  expect(status).toBe(504)
  expect(body).toContain('No instance has come up in time.')
  expect(await logOf(app.admin, id)).toBe('GET / failed: No instance has come up in time.')
})

test('an instance that does not answer in time is 504, and the log tells of it', async () => {
  const silent = { 'main.mjs': 'export const handler = () => new Promise(() => {})\n' }
  const { id, invokeUrl } = await runningService(app.admin, silent, { image })
  const { status, body } = await call(`${invokeUrl}/score?secret=1`)
  expect({ status, body: JSON.parse(body) }).toMatchObject({
    status: 504,
    body: { code: 'TIMEOUT' },
  })
  const log = await logOf(app.admin, id)
  expect(log).toContain('GET /score was not answered within 1 s')
  expect(log).not.toContain('secret=1')
})

test('an answer that breaks off before its first byte is 502, a later one is broken off for the caller too', async () => {
  const broken = {
    'main.mjs': `let begun
export function handler(request) {
  if (request.method === 'PUT') begun.error(new Error('out of words'))
  return new Response(new ReadableStream({
    start(controller) {
      if (request.method === 'PUT') return controller.error(new Error('no words'))
      begun = controller
      controller.enqueue(new TextEncoder().encode('half'))
    },
  }))
}
`,
  }
  const { id, invokeUrl } = await runningService(app.admin, broken, { image })
  const begun = await fetch(invokeUrl, { headers: app.admin.headers })
  const reader = begun.body?.getReader()
  expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('half')
  const never = await fetch(invokeUrl, { method: 'PUT', headers: app.admin.headers })
  expect(never.status).toBe(502)
  expect(await never.json()).toMatchObject({ code: 'UNAVAILABLE', status: 502 })
  await expect(reader?.read()).rejects.toThrow()
  await until(async () => {
    const log = await logOf(app.admin, id)
    return ['out of words', 'no words', 'GET / broke off its answer'].every((text) =>
      log.includes(text),
    )
  })
})
