import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { runningService } from '../../testkit/seed/services.ts'

let app: SharedApp
let echo: { id: string; deploymentId: string; invokeUrl: string }
beforeAll(async () => {
  app = await sharedApp()
  echo = await runningService(app.admin, { 'main.mjs': echoSource }, { image: 'node:22' })
})
afterAll(() => app.close())

/** Tells what it was asked, or with `x-mirror` gives the body back as it comes. */
const echoSource = `import { createHash } from 'node:crypto'
export async function handler(request) {
  const { method, headers, body } = request
  if (headers.has('x-mirror'))
    return new Response(body, { headers: { 'content-type': headers.get('content-type') ?? '' } })
  const { pathname, search } = new URL(request.url)
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of body ?? []) { hash.update(chunk); size += chunk.length }
  return Response.json({ method, path: pathname + search, size, sha256: hash.digest('hex'), headers: Object.fromEntries(headers) })
}
`
const Asked = z.object({
  method: z.string(),
  path: z.string(),
  size: z.number(),
  sha256: z.string(),
  headers: z.record(z.string(), z.string()),
})

type Init = Omit<RequestInit, 'headers'> & { headers?: Record<string, string> }
const call = (url: string, init: Init = {}) =>
  fetch(url, { ...init, headers: { ...app.admin.headers, ...init.headers } })

test.each(['GET', 'POST', 'PUT'])(
  'a %s reaches the handler with its path, query, type and body',
  async (method) => {
    const bytes = Buffer.from([0, 1, 2, 255])
    const init =
      method === 'GET'
        ? {}
        : { body: new Uint8Array(bytes), headers: { 'content-type': 'application/x-odd' } }
    const response = await call(`${echo.invokeUrl}/a%20b/c?x=1&x=2&y=%2F`, { method, ...init })
    const asked = Asked.parse(await response.json())
    expect(asked).toMatchObject({ method, path: '/a%20b/c?x=1&x=2&y=%2F' })
    if (method !== 'GET') {
      expect(asked).toMatchObject({
        size: 4,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      })
      expect(asked.headers['content-type']).toBe('application/x-odd')
    }
  },
)

test("the caller's credential stays with us, other headers go on", async () => {
  const response = await call(echo.invokeUrl, {
    headers: { 'x-trace': 'abc', accept: 'text/x-any' },
  })
  const { headers, path } = Asked.parse(await response.json())
  expect(path).toBe('/')
  expect(headers).toMatchObject({ 'x-trace': 'abc', accept: 'text/x-any' })
  expect(headers).not.toHaveProperty('authorization')
  expect(JSON.stringify(headers)).not.toContain(app.admin.token ?? 'none')
})

test("a caller's own headers between server and instance neither count nor arrive", async () => {
  for (const name of ['millrace-instance-key', 'Millrace_Instance_Key', 'MILLRACE-ANY'])
    for (const value of ['x', '']) {
      const response = await call(echo.invokeUrl, { headers: { [name]: value, 'x-any': 'x' } })
      const { headers } = Asked.parse(await response.json())
      expect(headers).toHaveProperty('x-any')
      expect(Object.keys(headers).filter((one) => one.startsWith('millrace'))).toEqual([])
    }
  const connection = 'close, millrace-instance-key'
  const asking = request(echo.invokeUrl, { headers: { ...app.admin.headers, connection } }).end()
  const [named] = (await once(asking, 'response')) as [IncomingMessage]
  expect(named.resume().statusCode).toBe(200)
})

test('20 MB stream both ways, byte for byte', async () => {
  const bytes = randomBytes(20_000_000)
  const response = await call(echo.invokeUrl, {
    method: 'POST',
    headers: { 'x-mirror': '1', 'content-type': 'application/octet-stream' },
    body: new Uint8Array(bytes),
  })
  expect(response.status).toBe(200)
  expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true)
})

test('an answer begins before the request has ended, chunk by chunk', async () => {
  const headers = { ...app.admin.headers, 'x-mirror': '1', 'content-type': 'text/plain' }
  const asking = request(echo.invokeUrl, { method: 'POST', headers })
  asking.write('first')
  const [answer] = (await once(asking, 'response')) as [IncomingMessage] // what the event carries
  const heard = answer[Symbol.asyncIterator]()
  expect(String((await heard.next()).value)).toBe('first')
  asking.write('second')
  expect(String((await heard.next()).value)).toBe('second')
  asking.end()
  expect((await heard.next()).done).toBe(true)
})

test('a service made from an archive answers calls with the bytes of its handler', async () => {
  const service = await runningService(app.admin, {
    'main.py': 'def handler(request, context):\n    return {"content": request.read()}\n',
  })
  const response = await call(service.invokeUrl, {
    method: 'POST',
    headers: { 'content-type': 'image/png' },
    body: new Uint8Array([0, 1, 254, 255]),
  })
  expect(response.status).toBe(200)
  expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([0, 1, 254, 255])
})

test('status and headers of a Python handler pass through', async () => {
  const source = `def handler(request, context):
    fields = {part["form_name"]: bytes(part["body"]).decode() for part in request["contents"]}
    return {"status_code": 418, "content_type": "image/png", "metadata": {"x-own": "yes"},
            "content": b"\\x00\\xff" + repr(fields).encode()}
`
  const service = await runningService(app.admin, { 'main.py': source })
  const response = await call(`${service.invokeUrl}?a=1`)
  expect(response.status).toBe(418)
  expect(response.headers.get('content-type')).toBe('image/png')
  expect(response.headers.get('x-own')).toBe('yes')
  const bytes = Buffer.from(await response.arrayBuffer())
  expect([...bytes.subarray(0, 2)]).toEqual([0, 255])
  expect(bytes.subarray(2).toString()).toBe("{'a': '1'}")
})

test('a failing handler is a 500 of its own, and the service goes on', async () => {
  const source = 'def handler(request, context):\n    return 1 / len(request.read())\n'
  const service = await runningService(app.admin, { 'main.py': source })
  expect((await call(service.invokeUrl, { method: 'POST' })).status).toBe(500)
  expect((await call(service.invokeUrl, { method: 'POST', body: '12345' })).status).not.toBe(502)
})

test('a command is any program that listens on $PORT, redirects and cookies included', async () => {
  const files = {
    'server.mjs': `import { createServer } from 'node:http'
createServer((request, response) => response.writeHead(302, { location: '/else', 'set-cookie': ['a=1', 'b=2'] }).end())
  .listen(process.env.PORT, '127.0.0.1')
`,
  }
  const service = await runningService(app.admin, files, { command: 'node server.mjs' })
  const response = await call(service.invokeUrl, { redirect: 'manual' })
  expect(response.status).toBe(302)
  expect(response.headers.get('location')).toBe(`${new URL(service.invokeUrl).pathname}/else`)
  const { pathname } = new URL(service.invokeUrl)
  expect(response.headers.getSetCookie()).toEqual([
    `a=1; Path=${pathname}`,
    `b=2; Path=${pathname}`,
  ])
})

test('calls at the same time are spread over the instances, least busy first', async () => {
  // begins its answer at once, and ends it with the request
  const source = `export const handler = (request) =>
  new Response(new ReadableStream({
    start: (answer) => answer.enqueue(new TextEncoder().encode(String(process.pid))),
    async pull(answer) {
      for await (const _ of request.body);
      answer.close()
    },
  }))
`
  const how = { image: 'node:22', desired: 2 }
  const service = await runningService(app.admin, { 'main.mjs': source }, how)
  const calls = Array.from({ length: 8 }, () => {
    const asking = request(service.invokeUrl, { method: 'POST', headers: app.admin.headers })
    asking.write('first')
    return asking
  })
  const answerers = await Promise.all(
    calls.map(async (asking) => {
      const [answer] = (await once(asking, 'response')) as [IncomingMessage] // what the event carries
      const [pid] = (await once(answer, 'data')) as [Buffer]
      answer.resume()
      return String(pid)
    }),
  )
  for (const asking of calls) asking.end()
  const counts = answerers.map((pid) => answerers.filter((other) => other === pid).length)
  expect(counts).toEqual(Array(8).fill(4))
})

// answers what it was sent as a text, and again as it came
const exactSource = `export async function handler(request) {
  const text = await request.text()
  return new Response('[' + JSON.stringify(text) + ', ' + text + ']', { headers: { 'content-type': 'application/json' } })
}`
let exactly: ReturnType<typeof runningService> | undefined
const exact = async () =>
  (await (exactly ??= runningService(app.admin, { 'main.mjs': exactSource }, { image: 'node' }))).id

const odd = String.raw`{ "10": 12345678901234567890, "9": 1.0,"a": [1e400, 0.10], "a": "\u0000\ud800\/" }`
const shown = { 9: 1, 10: '12345678901234567890', a: '\0\ud800/' }

async function send(query: string, input: string): Promise<Record<string, unknown> | undefined> {
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...app.admin.headers },
    body: `{"query": ${JSON.stringify(query)}, "variables": {"input": ${input}}}`,
  })
  const { data } = (await response.json()) as { data?: { it?: Record<string, unknown> } }
  return data?.it
}

test('a service is sent the text that came, and its answer shown, also when it is repeated', async () => {
  const id = await exact()
  const query = `mutation ($input: InvokeServiceInput!) {
    it: invokeService(input: $input) { ... on InvokeServiceSuccess { json replayed } ... on UserError { message } } }`
  const invoke = (json: string, more = '') => send(query, `{"id": "${id}"${json}${more}}`)
  expect(await invoke(`, "json": ${odd}`)).toMatchObject({ json: [odd, shown] })
  expect(await invoke(`, "json": null`)).toMatchObject({ json: ['null', null] })
  const keyed = () => invoke(`, "json": ${odd}`, ', "idempotencyKey": "exact"')
  expect(await keyed()).toEqual({ json: [odd, shown], replayed: false })
  expect(await keyed()).toEqual({ json: [odd, shown], replayed: true })
})

test('so is a service that does a job', async () => {
  const serviceId = await exact()
  const query = `mutation ($input: SubmitJobInput!) {
    it: submitJob(input: $input) { ... on SubmitJobSuccess { job { status result } } ... on UserError { message } } }`
  const input = `{"serviceId": "${serviceId}", "parameters": ${odd}, "waitSeconds": 30}`
  expect(await send(query, input)).toEqual({
    job: { status: 'SUCCEEDED', result: [odd, shown] },
  })
})
