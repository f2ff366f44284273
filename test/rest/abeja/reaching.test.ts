import { request as httpRequest } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../../testkit/app.ts'
import { member, seedOrganization } from '../../../testkit/seed/organizations.ts'
import { Abeja } from '../../../testkit/fronts/abeja.ts'

/* Base URLs, hosts, credentials, and what real clients send (contract abeja 1.2, 1.4 and 1.5). */

let app: TestApp
let abeja: Abeja
beforeAll(async () => {
  app = await testApp({ ROOT_FRONT_ABEJA_PORT: '0' })
  abeja = await Abeja.of(app.admin)
})
afterAll(() => app.close())

/** A request as it is, headers and all. */
async function raw(
  method: string,
  url: string,
  headers: Record<string, string>,
  body?: string,
): Promise<{ status: number; body: string; headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method, headers }, (response) => {
      text(response).then(
        (said) =>
          resolve({ status: response.statusCode ?? 0, body: said, headers: response.headers }),
        reject,
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

test('1.2 a base URL with a slash at its end yields a double slash, which is no redirect', async () => {
  const answer = await abeja.with({ base: `${app.url}/abeja/` }).call('GET', '/deployments')
  expect(answer).toMatchObject({ status: 200, body: { entries: [] } })
})

test('1.2 a listener of its own has the front, its documents and its uploads at the root', async () => {
  const root = abeja.with({ base: app.fronts.ABEJA ?? '' })
  const deployment = await root.deployment('at the root')
  const version = await root.version(deployment)
  const path = `/deployments/${deployment}/versions/${version}`
  expect(await root.did('GET', path)).toEqual(await abeja.did('GET', path))
  const { download_uri: uri } = await root.did('GET', `${path}/download`)
  expect(uri).toContain(`${app.fronts.ABEJA}/archives/`)
  expect((await fetch(uri)).status).toBe(200)
  const { body } = await root.send('GET', '/openapi.json')
  expect(body['servers']).toEqual([{ url: app.fronts.ABEJA }])
  for (const elsewhere of ['/graphql', '/metrics', '/abeja/organizations'])
    expect(await root.send('GET', elsewhere)).toMatchObject({
      status: 404,
      body: { error: 'not_found' },
    })
})

test('1.4 a token is a bearer, or the password of a user or a data source', async () => {
  const token = app.admin.token ?? ''
  const basic = (name: string) => `Basic ${Buffer.from(`${name}:${token}`).toString('base64')}`
  for (const authorization of [
    `Bearer ${token}`,
    basic('user-1234567890123'),
    basic('datasource-1234567890123'),
    `ApiKey anybody:${token}`,
  ]) {
    const caller = abeja.with({ headers: { authorization } })
    expect((await caller.call('GET', '/deployments')).status, authorization).toBe(200)
  }
})

test('1.4 no credential, an unknown one and a malformed one are 401', async () => {
  const unknown = ['Bearer mr_nobody', 'Basic !!!', 'Basic dXNlci0x', 'Nonsense', 'Bearer']
  const none: Record<string, string>[] = [
    {},
    ...unknown.map((authorization) => ({ authorization })),
  ]
  for (const headers of none)
    for (const [method, path] of [
      ['GET', '/deployments'],
      ['POST', '/deployments'],
      ['GET', '/deployments/1/services/2/recentlogs'],
      ['DELETE', '/deployments/1234567890123'],
    ] as const)
      expect(
        await abeja.with({ headers }).call(method, path),
        JSON.stringify(headers),
      ).toMatchObject({
        status: 401,
        body: { error: 'unauthorized', error_description: expect.any(String) },
      })
})

test('1.4 a regular member reads and writes nothing', async () => {
  const org = await seedOrganization(app)
  const admin = await Abeja.of(org.admin)
  const deployment = await admin.deployment('read only')
  const regular = await Abeja.of(await member(app, org.id, 'VIEWER'))
  expect((await regular.call('GET', `/deployments/${deployment}`)).status).toBe(200)
  for (const [method, path, body] of [
    ['POST', '/deployments', { name: 'x' }],
    ['POST', '/deployments', { name: 5 }],
    ['PATCH', `/deployments/${deployment}`, { name: 'x' }],
    ['DELETE', `/deployments/${deployment}`, undefined],
    ['POST', `/deployments/${deployment}/versions`, { version: '1', image: 'x' }],
    ['POST', `/deployments/${deployment}/versions`, {}],
  ] as const)
    expect(await regular.call(method, path, body), `${method} ${path}`).toMatchObject({
      status: 403,
      body: { error: 'forbidden' },
    })
})

test('1.5 the command line sends a JSON content type with an empty body on every method', async () => {
  const deployment = await abeja.deployment('of the CLI')
  const headers = {
    ...abeja.headers,
    'content-type': 'application/json',
    'user-agent': 'abeja-platform-cli/2.0.0',
    accept: '*/*',
  }
  const at = `${abeja.base}/organizations/${abeja.organization}/deployments`
  for (const [method, path] of [
    ['GET', ''],
    ['GET', `/${deployment}`],
    ['PATCH', `/${deployment}`],
    ['DELETE', `/${deployment}`],
  ] as const) {
    const answer = await raw(method, at + path, headers)
    expect(answer, `${method} ${path}`).toMatchObject({ status: 200 })
    expect(JSON.parse(answer.body)).toBeTypeOf('object')
  }
})

test('1.5 a body is read whatever its content type says, also on GET and DELETE', async () => {
  const at = `${abeja.base}/organizations/${abeja.organization}/deployments`
  for (const type of ['nonsense', 'text/plain', 'application/json; charset=utf-8', ';;;', '']) {
    const headers = { ...abeja.headers, 'content-type': type }
    const made = await raw('POST', at, headers, JSON.stringify({ name: `as ${type}` }))
    expect(made.status, type).toBe(200)
    const id = (JSON.parse(made.body) as { deployment_id: string }).deployment_id
    const length = { 'content-length': '2' }
    expect((await raw('GET', `${at}/${id}`, { ...headers, ...length }, '{}')).status).toBe(200)
    expect((await raw('DELETE', `${at}/${id}`, { ...headers, ...length }, '{}')).status).toBe(200)
  }
})

test('1.5 a post without a body and without a content type is accepted', async () => {
  const deployment = await abeja.deployment('bare')
  const at = `${abeja.base}/organizations/${abeja.organization}/deployments/${deployment}`
  const headers = { ...abeja.headers, 'content-length': '0' }
  expect((await raw('PATCH', at, headers)).status).toBe(200)
  expect((await raw('POST', `${at}/services/ser-0000000000000000/stop`, headers)).status).toBe(404)
})

test('every answer has a request id, the caller’s where it brings one', async () => {
  const given = await abeja.send('GET', '/nothing', { headers: { 'x-request-id': 'mine-1' } })
  expect(given.headers.get('x-request-id')).toBe('mine-1')
  const { headers } = await abeja.call('GET', '/deployments')
  expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
})
