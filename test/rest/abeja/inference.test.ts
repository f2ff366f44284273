import { randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../../testkit/app.ts'
import { seedOrganization } from '../../../testkit/seed/organizations.ts'
import { Abeja } from '../../../testkit/fronts/abeja.ts'
import { CreateRoute } from '../../../testkit/operations/routes.ts'
import { succeeded } from '../../../testkit/outcome.ts'

/* Inference, and calls through endpoints (contract abeja 1.2, 2.4, 6 and 7.1). */

const HANDLER = {
  'main.py': `
import time

def handler(request, context):
    if request.content_type == "application/slow":
        time.sleep(3600)
    if request.content_type == "application/bad":
        return {"status_code": 422, "content_type": "application/problem+json", "content": {"handler": "said so"}}
    if request.content_type == "application/parts":
        return {"content": (str(n) for n in range(3))}
    return {
        "content_type": request.content_type,
        "content": request.read(),
        "metadata": {"x-method": request.http_method},
    }
`,
}

let app: TestApp
let abeja: Abeja
let running: Awaited<ReturnType<Abeja['running']>>
let root: string
beforeAll(async () => {
  app = await testApp({ INVOKE_TIMEOUT_SECONDS: '2' })
  abeja = await Abeja.of(app.admin)
  running = await abeja.running(HANDLER)
  root = `/deployments/${running.deployment}/services/${running.service}`
})
afterAll(() => app.close())

interface Called {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: Buffer
}

/** A call as the SDK makes it: any host header, chunked where the body is in parts. */
function call(
  path: string,
  {
    method = 'POST',
    headers = {},
    body,
    parts,
    credential = abeja.headers,
  }: {
    method?: string
    headers?: Record<string, string>
    body?: Buffer | string
    parts?: readonly string[]
    credential?: Record<string, string>
  } = {},
): Promise<Called> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      app.url + path,
      { method, headers: { ...credential, ...headers } },
      (response) => {
        buffer(response).then(
          (bytes) =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes }),
          reject,
        )
      },
    )
    sent.on('error', reject)
    for (const part of parts ?? []) sent.write(part)
    sent.end(body)
  })
}

const said = ({ body }: Called) => JSON.parse(body.toString()) as { error: string }
const type = (of: string) => ({ 'content-type': of })

test('1.2 the root and the prefix answer, with and without the organization in the host', async () => {
  const port = new URL(app.url).port
  for (const path of [root, `/abeja${root}`])
    for (const host of [
      `127.0.0.1:${port}`,
      `${abeja.organization}.api.example.test:${port}`,
      `${abeja.organization}.localhost`,
      'api.example.test',
      '9999999999999', // no label, a name
    ]) {
      const answer = await call(path, { headers: { host, ...type('text/plain') }, body: 'x' })
      expect([answer.status, answer.body.toString()], `${host}${path}`).toEqual([200, 'x'])
    }
})

test('1.2 a host that names another organization is 404, a credential of another one 403', async () => {
  const other = await seedOrganization(app)
  const theirs = await Abeja.of(other.admin)
  const wrong = { host: `${theirs.organization}.api.example.test` }
  const mine = { host: `${abeja.organization}.api.example.test` }
  expect((await call(root, { headers: wrong })).status).toBe(404)
  expect((await call(root, { headers: mine, credential: theirs.headers })).status).toBe(403)
  // where no host names one, what is foreign is as absent as what is not there
  expect((await call(root, { credential: theirs.headers })).status).toBe(404)
  expect((await call(root, { headers: wrong, credential: theirs.headers })).status).toBe(404)
  expect((await call(root, { credential: {} })).status).toBe(401)
  expect((await call(`/abeja${root}`, { credential: {} })).status).toBe(401)
})

test('JSON, bytes and forms pass as they are, byte for byte, with their content type', async () => {
  const json = '{"b": 1,  "a": 12345678901234567890}'
  const image = randomBytes(300_000)
  for (const [contentType, body] of [
    ['application/json', Buffer.from(json)],
    ['image/png', image],
    ['application/octet-stream', image],
    ['multipart/form-data; boundary=x', Buffer.from('--x\r\n\r\n1\r\n--x--\r\n')],
  ] as const) {
    const answer = await call(root, { headers: type(contentType), body })
    expect(answer.status, contentType).toBe(200)
    if (contentType.startsWith('multipart')) continue // the handler sees its parts
    expect(answer.headers['content-type']).toBe(contentType)
    expect(answer.body.equals(body), contentType).toBe(true)
  }
})

test('a generator is sent in chunks, nothing at all as nothing', async () => {
  const chunked = await call(root, { headers: type('text/plain'), parts: ['a', 'b'], body: 'c' })
  expect(chunked.body.toString()).toBe('abc')
  const empty = await call(root, { headers: { 'content-length': '0' } })
  expect([empty.status, empty.body.length]).toEqual([200, 0])
})

/** All that a call may have. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** Says of itself how it was called; with Node.js, whose handlers see every method. */
const METHOD = {
  'main.mjs': `
export const handler = async (request) =>
  new Response(request.method === 'HEAD' ? null : await request.text(), {
    headers: { 'x-method': request.method, 'x-query': new URL(request.url).search },
  })
`,
}

describe('methods', () => {
  let at: string
  let deployment: string
  beforeAll(async () => {
    deployment = await abeja.deployment('methods')
    const version_id = await abeja.version(deployment, METHOD, { image: 'node:20' })
    const services = `/deployments/${deployment}/services`
    const { service_id } = await abeja.did('POST', services, { version_id })
    at = `${services}/${service_id}`
    await abeja.becomes(at, 'READY')
    await abeja.did('POST', `/deployments/${deployment}/endpoints`, { service_id })
  })

  test('every one is for the handler to answer, at the root and below the prefix', async () => {
    const endpoints = ['', '/default', '/endpoints/default']
    const ways = [at, ...endpoints.map((path) => `/deployments/${deployment}${path}`)]
    for (const path of ways.flatMap((way) => [way, `/abeja${way}`]))
      for (const method of METHODS) {
        const answer = await call(`${path}?a=1`, { method, headers: { 'content-length': '0' } })
        const { status, headers } = answer
        expect([status, headers['x-method'], headers['x-query']], method + path).toEqual([
          200,
          method,
          '?a=1',
        ])
      }
  })

  test('whatever may have a body brings it along', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const headers = { ...type('text/plain'), 'content-length': '1' }
      const { body } = await call(at, { method, headers, body: 'x' })
      expect(body.toString(), method).toBe('x')
    }
  })

  test('another is refused with those there are', async () => {
    const { status, headers } = await call(`/abeja${at}`, { method: 'TRACE' })
    expect([status, headers['allow']]).toEqual([405, METHODS.toSorted().join(', ')])
  })
})

test('a missing content type counts as bytes', async () => {
  const answer = await call(root, { body: 'x' })
  expect(answer).toMatchObject({
    status: 200,
    headers: { 'content-type': 'application/octet-stream' },
  })
})

test('status, headers and body of the handler pass through; ours are beside them', async () => {
  const bad = await call(root, { headers: type('application/bad'), body: 'x' })
  expect(bad).toMatchObject({
    status: 422,
    headers: {
      'content-type': 'application/problem+json',
      'x-abeja-deployment-id': running.deployment,
      'x-abeja-service-id': running.service,
      'x-request-id': expect.any(String),
    },
  })
  expect(JSON.parse(bad.body.toString())).toEqual({ handler: 'said so' })
})

test('404: unknown services and wrong deployments; stopped and failed ones, which say so', async () => {
  const { deployment, service } = running
  const elsewhere = await abeja.deployment('elsewhere')
  for (const path of [
    `/deployments/${deployment}/services/ser-0000000000000000`,
    `/deployments/${elsewhere}/services/${service}`,
    `/deployments/9876543210987/services/${service}`,
    `/deployments/${deployment}/services/x`,
  ])
    for (const at of [path, `/abeja${path}`]) {
      const answer = await call(at, { body: '{}', headers: type('application/json') })
      expect(answer.status, at).toBe(404)
      // at the root, what has no form of ABEJA's ids is a call through our own door
      const isOurs = at.startsWith('/deployments/') && at.endsWith('/x')
      expect(JSON.parse(answer.body.toString())).toMatchObject(
        isOurs ? { code: 'NOT_FOUND' } : { error: 'not_found' },
      )
    }
  const stopped = await abeja.running(HANDLER)
  await abeja.did('POST', `${stopped.path}/stop`)
  const path = `/deployments/${stopped.deployment}/services/${stopped.service}`
  const answer = await call(path)
  expect(answer.status).toBe(404)
  expect(said(answer)).toMatchObject({
    error: 'not_found',
    error_description: expect.stringContaining('not running'),
  })
})

test('503 with Retry-After while the first instance is on its way', async () => {
  const slow = await abeja.version(running.deployment, {
    'main.py': 'import time\ntime.sleep(3600)',
  })
  const path = `/deployments/${running.deployment}/services`
  const made = await abeja.did('POST', path, { version_id: slow })
  const answer = await call(`${path}/${made.service_id}`)
  expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
  expect(said(answer).error).toBe('service_unavailable')
  await abeja.did('DELETE', `${path}/${made.service_id}`)
})

test('it answers while it scales', async () => {
  const scaling = await abeja.running(HANDLER)
  await abeja.did('PATCH', scaling.path, { instance_number: 3 })
  const path = `/deployments/${scaling.deployment}/services/${scaling.service}`
  expect((await call(path)).status).toBe(200)
  await abeja.did('DELETE', scaling.path)
})

test('504 for a handler that exceeds the time', async () => {
  const answer = await call(root, { headers: type('application/slow'), body: 'x' })
  expect(answer.status).toBe(504)
  expect(said(answer).error).toBe('gateway_timeout')
})

const saying = (word: string) => `
def handler(request, context):
    return {"content": "${word}"}
`

const post = async (path: string): Promise<[number, string]> => {
  const response = await fetch(app.url + path, { method: 'POST', headers: app.admin.headers })
  return [response.status, await response.text()]
}

describe('endpoints', () => {
  let called: Awaited<ReturnType<Abeja['running']>>
  let endpoints: string
  beforeAll(async () => {
    called = await abeja.running({ 'main.py': saying('one') })
    endpoints = `/deployments/${called.deployment}/endpoints`
  })

  test('an endpoint is made once by its name, and found by its id and its name', async () => {
    const made = await abeja.did('POST', endpoints, { service_id: called.service })
    expect(made).toEqual({
      endpoint_id: expect.stringMatching(/^pnt-[0-9a-f]{16}$/),
      custom_alias: 'default',
      service_id: called.service,
    })
    const named = { service_id: called.service, custom_alias: 'blue' }
    const blue = await abeja.did('POST', endpoints, named)
    expect((await abeja.call('POST', endpoints, named)).status).toBe(400)
    expect(await abeja.did('GET', endpoints)).toEqual({ entries: [made, blue] })
    expect(await abeja.did('GET', `${endpoints}/blue`)).toEqual(blue)
    expect(await abeja.did('GET', `${endpoints}/${String(blue['endpoint_id'])}`)).toEqual(blue)
  })

  test('calls go through the default endpoint and through named ones, also by the shorter path', async () => {
    const { deployment } = called
    const blue = await abeja.did('GET', `${endpoints}/blue`)
    for (const prefix of ['', '/abeja'])
      for (const path of [
        `/deployments/${deployment}`,
        `/deployments/${deployment}/endpoints/blue`,
        `/deployments/${deployment}/blue`,
        `/deployments/${deployment}/${String(blue['endpoint_id'])}`,
      ])
        expect(await post(prefix + path), prefix + path).toEqual([200, 'one'])
    expect((await post(`/deployments/${deployment}/nobody`))[0]).toBe(404)
    expect((await post(`/deployments/${deployment}/endpoints/nobody`))[0]).toBe(404)
    expect((await post('/deployments/9876543210987'))[0]).toBe(404)
  })

  test('no endpoint is called like a part of a path, and none is there that another door has called so', async () => {
    const { deployment, service } = called
    for (const custom_alias of ['services', 'endpoints', 'versions']) {
      const { status, body } = await abeja.call('POST', endpoints, {
        service_id: service,
        custom_alias,
      })
      expect([status, body]).toEqual([
        400,
        expect.objectContaining({ error_detail: { custom_alias: [expect.any(String)] } }),
      ])
      const input = {
        name: custom_alias,
        deploymentId: `abeja:${abeja.organization}/${deployment}`,
        serviceIds: [`abeja:${abeja.organization}/${deployment}/${service}`],
      }
      const { createRoute } = await app.admin.request(CreateRoute, { input })
      succeeded(createRoute, 'CreateRouteSuccess')
      for (const prefix of ['', '/abeja'])
        for (const path of [custom_alias, `${custom_alias}/`])
          for (const method of METHODS) {
            const answer = await call(`${prefix}/deployments/${deployment}/${path}`, { method })
            expect(answer.status, `${method} ${path}`).toBe(404)
          }
      expect((await post(`/deployments/${deployment}/endpoints/${custom_alias}`))[1]).toBe('one')
    }
  })

  test('a patch lets it lead elsewhere, a delete ends it', async () => {
    const { deployment } = called
    const version = await abeja.version(deployment, { 'main.py': saying('two') })
    const services = `/deployments/${deployment}/services`
    const { service_id: two } = await abeja.did('POST', services, { version_id: version })
    await abeja.becomes(`${services}/${two}`, 'READY')
    const answer = await abeja.did('PATCH', `${endpoints}/blue`, { service_id: two })
    expect(answer).toEqual({ message: expect.stringMatching(/^pnt-[0-9a-f]{16} updated$/) })
    expect((await post(`/deployments/${deployment}/endpoints/blue`))[1]).toBe('two')
    expect((await post(`/deployments/${deployment}`))[1]).toBe('one')
    const deleted = await abeja.did('DELETE', `${endpoints}/blue`)
    expect(deleted).toEqual({ message: expect.stringMatching(/^pnt-[0-9a-f]{16} deleted$/) })
    expect((await post(`/deployments/${deployment}/endpoints/blue`))[0]).toBe(404)
  })

  test('what is missing is 404, what a body names wrongly is 400', async () => {
    for (const method of ['GET', 'DELETE'])
      expect((await abeja.call(method, `${endpoints}/nobody`)).status).toBe(404)
    const elsewhere = '/deployments/9876543210987/endpoints'
    expect((await abeja.call('GET', elsewhere)).status).toBe(404)
    const wanted = { service_id: called.service }
    expect((await abeja.call('PATCH', `${endpoints}/nobody`, wanted)).status).toBe(404)
    expect((await abeja.call('POST', elsewhere, wanted)).status).toBe(400)
    for (const body of [{}, { service_id: 5 }, { service_id: 'ser-0000000000000000' }])
      for (const [method, path] of [
        ['POST', endpoints],
        ['PATCH', `${endpoints}/default`],
      ] as const)
        expect((await abeja.call(method, path, body)).status, JSON.stringify(body)).toBe(400)
  })
})
