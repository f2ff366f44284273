import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../../testkit/app.ts'
import { plainly, SERVICE, Topchef } from '../../../testkit/fronts/topchef.ts'

/* Where the front is reached, by whom and how (contract topchef 2 and 3). */

let app: TestApp
let topchef: Topchef
let service: string
let job: string
beforeAll(async () => {
  app = await testApp({
    ROOT_FRONT_TOPCHEF_PORT: '0',
    TRUST_PROXY: '1',
    OPEN_FRONTS: 'topchef',
  })
  topchef = Topchef.of(app.admin)
  service = await topchef.service()
  job = await topchef.job(service)
})
afterAll(() => app.close())

const override = (method: string) => ({ headers: { 'x-http-method-override': method } })

test('3 X-HTTP-Method-Override replaces the method, in any case', async () => {
  for (const method of ['PATCH', 'patch', 'Patch']) {
    const { status, body } = await topchef.call('POST', job, { status: 'ERROR' }, override(method))
    expect([status, body['status']]).toEqual([200, 'ERROR'])
  }
  const put = await topchef.call('POST', job, { status: 'WORKING' }, override('PUT'))
  expect(put.body.data).toHaveProperty('job_schema')
  const beat = await topchef.call('POST', service, undefined, override('PATCH'))
  expect(Object.keys(beat.body)).toEqual(['meta'])
  // to one that has no body: what was sent is dropped
  for (const raw of [undefined, '{', 'anything']) {
    const got = await topchef.call('POST', '/services', undefined, {
      ...override('GET'),
      ...(raw === undefined ? {} : { raw }),
    })
    expect([got.status, Object.keys(got.body)]).toEqual([200, ['data', 'meta', 'links']])
  }
  expect(
    (await topchef.call('GET', `${service}/jobs/next`, undefined, override('POST'))).status,
  ).toBe(204)
  expect((await topchef.call('POST', service, {}, override('DELETE'))).status).toBe(405)
  // what is no method changes nothing
  const made = await topchef.call('POST', '/services', SERVICE, override('FETCH'))
  expect(made.status).toBe(201)
})

test('3 the other methods are overridden too, and only here', async () => {
  const headers = { ...app.admin.headers, 'x-http-method-override': 'HEAD' }
  const head = await plainly(`${topchef.base}/services`, 'POST', headers, '{}')
  expect([head.status, head.text.slice(0, 8)]).toEqual([200, '{"data":'])
  const options = await plainly(
    `${topchef.base}/services`,
    'GET',
    { ...headers, 'x-http-method-override': 'OPTIONS' },
    '',
  )
  expect([options.status, options.headers.allow]).toEqual([200, 'GET, HEAD, OPTIONS, POST'])
  const elsewhere = await plainly(`${app.url}/healthz`, 'GET', {
    'x-http-method-override': 'DELETE',
  })
  expect(elsewhere.status).toBe(200)
})

test('2 a port of its own has the front at its root, for clients that drop the path', async () => {
  const root = new Topchef(app.fronts.TOPCHEF ?? '', app.admin.headers)
  expect((await root.call('GET', '')).body.links.self).toBe(`${root.base}/`)
  const { headers, body } = await root.call('POST', '/services', SERVICE)
  expect(headers.get('location')).toBe(`${root.base}/services/${body.data.service_details.id}`)
  expect(body.links.self).toBe(`${root.base}/services`)
  expect((await root.did('GET', service)).links.self).toBe(root.base + service)
  const patched = await root.call('POST', job, { status: 'ERROR' }, override('PATCH'))
  expect(patched.body['status']).toBe('ERROR')
  for (const path of ['/graphql', '/topchef/services'])
    expect((await root.call('GET', path)).status).toBe(404)
  expect((await root.call('DELETE', '/')).headers.get('allow')).toBe('GET, HEAD, OPTIONS')
})

test('2 addresses are absolute, as whoever asks has reached this server', async () => {
  const behind = topchef.with({
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'lab.example.com',
  })
  expect((await behind.did('GET', service)).links.self).toBe(
    `https://lab.example.com/topchef${service}`,
  )
  const { headers } = await behind.call('POST', `${service}/jobs`, { parameters: { value: 1 } })
  expect(headers.get('location')).toMatch(/^https:\/\/lab\.example\.com\/topchef\/jobs\//)
})

test('an open front needs no credential, and lets no page of another site in', async () => {
  const anybody = new Topchef(topchef.base, {})
  const path = await anybody.service()
  const made = await anybody.job(path)
  expect(await anybody.did('PATCH', made, { status: 'COMPLETED' })).toMatchObject({
    status: 'COMPLETED',
  })
  const strange = anybody.with({ origin: 'https://elsewhere.example' })
  const refused = await strange.call('GET', '/services')
  expect([refused.status, refused.body.errors[0]?.title]).toEqual([403, 'Forbidden'])
})
