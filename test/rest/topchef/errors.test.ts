import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../../testkit/shared.ts'
import { plainly, SERVICE, Topchef, type Answer } from '../../../testkit/fronts/topchef.ts'

/* What is asked, and what is wrong with it (contract topchef 2, 3, 4, 6 and 9). */

let app: SharedApp
let topchef: Topchef
let service: string
let job: string
beforeAll(async () => {
  app = await sharedApp()
  topchef = Topchef.of(app.admin)
  service = await topchef.service()
  job = await topchef.job(service)
})
afterAll(() => app.close())

function isError({ status, headers, body }: Answer, code: number, title: string): void {
  expect(headers.get('content-type')).toMatch(/^application\/json/)
  expect([status, Object.keys(body)]).toEqual([code, ['errors']])
  for (const one of body.errors)
    expect(one).toEqual({ status_code: code, title, detail: expect.stringMatching(/./) })
}

test('2 an id is a UUID in any spelling that a parser takes', async () => {
  for (const path of [service, job]) {
    const [, kind, id = ''] = path.split('/')
    for (const spelled of [
      id.toUpperCase(),
      id.replaceAll('-', ''),
      `{${id}}`,
      `urn:uuid:${id}`,
      `%7B${id.replaceAll('-', '').toUpperCase()}%7D`,
    ]) {
      const { status, body } = await topchef.call('GET', `/${kind}/${spelled}`)
      expect([status, body.data.id], spelled).toEqual([200, id])
    }
  }
})

/** What can be asked of an id, and what it is of. */
const paths = (id: string) =>
  [
    ['GET', `/services/${id}`, 'Service'],
    ['PATCH', `/services/${id}`, 'Service'],
    ['GET', `/services/${id}/jobs`, 'Service'],
    ['POST', `/services/${id}/jobs`, 'Service'],
    ['GET', `/services/${id}/queue`, 'Service'],
    ['GET', `/services/${id}/jobs/next`, 'Service'],
    ['POST', `/services/${id}/jobs/next`, 'Service'],
    ['GET', `/jobs/${id}`, 'Job'],
    ['PATCH', `/jobs/${id}`, 'Job'],
    ['PUT', `/jobs/${id}`, 'Job'],
  ] as const

const nothing = '495d76dd-a323-4fd5-9c3c-5a1a0c1e2f3d'

test('4 an id that is none, and one of nothing, are 404 and named', async () => {
  for (const id of ['none', '12', 'default', `${nothing}0`])
    for (const [method, path] of paths(id)) {
      const answer = await topchef.call(method, path, method === 'GET' ? undefined : {})
      isError(answer, 404, 'Not UUID Error')
      expect(answer.body.errors[0]?.detail).toContain(id)
    }
  for (const [method, path, what] of paths(nothing))
    // it comes before what is wrong with the request
    for (const body of method === 'GET' ? [undefined] : [{ parameters: {} }, undefined, []]) {
      const answer = await topchef.call(method, path, body)
      isError(answer, 404, `${what} Not Found`)
      expect(answer.body.errors[0]?.detail).toContain(nothing)
      expect(answer.text).not.toContain('topchef:')
    }
})

test('2 a path that is none is 404 in the same form, and so is one with a slash at its end', async () => {
  for (const path of ['/services/', '/jobs/'])
    for (const method of ['GET', 'PATCH', 'PUT', 'DELETE'])
      isError(await topchef.call(method, path), 404, 'Not Found')
  for (const path of ['/nowhere', '/validator/', `${service}/`, `${service}/next`, `${job}/next`])
    isError(await topchef.call('GET', path), 404, 'Not Found')
  isError(await topchef.call('GET', `/services/${'x'.repeat(1_000)}`), 404, 'Not Found')
  isError(await topchef.call('GET', '/services/%'), 400, 'Bad Request')
})

/** The methods of all paths; what an id leads to is not asked. */
const methods = (): Record<string, string> => ({
  '': 'GET, HEAD, OPTIONS',
  '/': 'GET, HEAD, OPTIONS',
  '/services': 'GET, HEAD, OPTIONS, POST',
  [service]: 'GET, HEAD, OPTIONS, PATCH',
  [`/services/${nothing}`]: 'GET, HEAD, OPTIONS, PATCH',
  '/services/none': 'GET, HEAD, OPTIONS, PATCH',
  [`${service}/jobs`]: 'GET, HEAD, OPTIONS, POST',
  [`${service}/queue`]: 'GET, HEAD, OPTIONS',
  [`${service}/jobs/next`]: 'GET, HEAD, OPTIONS, POST',
  '/jobs': 'GET, HEAD, OPTIONS',
  [job]: 'GET, HEAD, OPTIONS, PATCH, PUT',
  '/validator': 'GET, HEAD, OPTIONS, POST',
  '/echo': 'OPTIONS, POST',
  '/docs': 'GET, HEAD, OPTIONS',
  '/openapi.json': 'GET, HEAD, OPTIONS',
})

test('4 a method that a path has not is 405, with those it has', async () => {
  for (const [path, allow] of Object.entries(methods()))
    for (const method of ['DELETE', 'POST', 'PUT', 'PATCH'].filter((one) => !allow.includes(one))) {
      const answer = await topchef.call(method, path)
      isError(answer, 405, 'Method Not Implemented')
      expect(answer.headers.get('allow'), `${method} ${path}`).toBe(allow)
    }
  expect((await topchef.call('HEAD', '/services')).status).toBe(200)
})

test('4 OPTIONS is answered with the methods of a path, to anybody, and is 404 where there is nothing', async () => {
  const nobody = new Topchef(topchef.base, {})
  for (const [path, allow] of Object.entries(methods())) {
    const answer = await nobody.call('OPTIONS', path)
    expect([answer.status, answer.headers.get('allow'), answer.text], path).toEqual([
      200,
      allow,
      '',
    ])
    const other = await nobody.call(
      'POST',
      path,
      {},
      { headers: { 'x-http-method-override': 'options' } },
    )
    expect([other.status, other.headers.get('allow')], path).toEqual([200, allow])
  }
  for (const path of ['/nowhere', '/services/', '/jobs/', `${service}/next`, `${job}/x`])
    isError(await nobody.call('OPTIONS', path), 404, 'Not Found')
})

test('2 doubled slashes and query parameters change nothing', async () => {
  for (const path of ['//services', '/services?page=2&id=x', `/${service}?x`])
    expect((await topchef.call('GET', path)).status).toBe(200)
})

const types = ['application/json', 'application/JSON; charset=utf-8', 'application/vnd.x+json']

test('3 a body is JSON when it says so and is', async () => {
  const good = JSON.stringify({ parameters: { value: 1 } })
  for (const type of types) {
    const headers = { 'content-type': type }
    const { status } = await topchef.call('POST', `${service}/jobs`, undefined, {
      headers,
      raw: good,
    })
    expect(status, type).toBe(201)
  }
  const marked = await topchef.call('POST', `${service}/jobs`, undefined, { raw: `\uFEFF${good}` })
  expect(marked.status).toBe(201)
  for (const [type, raw] of [
    ['application/json', '{"parameters": {"value": NaN}}'],
    ['text/plain', good],
    ['application/x-www-form-urlencoded', 'parameters=1'],
    ['application/jsonp', good],
    ['no type', good],
    ['application/json', ''],
    ['application/json', '{"parameters": {'],
    ['application/json', ' null '],
  ] as const)
    for (const path of ['/services', `${service}/jobs`, '/validator']) {
      const answer = await topchef.call('POST', path, undefined, {
        headers: { 'content-type': type },
        raw,
      })
      isError(answer, 400, 'Request Not JSON')
    }
  // with no type at all
  const { authorization = '' } = app.admin.headers
  const untyped = await plainly(topchef.base + job, 'PUT', { authorization }, good)
  expect(untyped.status).toBe(400)
})

test('3 a GET that says it has JSON is not read, whatever it brings', async () => {
  const headers = { ...app.admin.headers, 'content-type': 'application/json' }
  for (const body of [undefined, '{', '"anything"'])
    for (const path of ['', '/services', service, job, `${service}/queue`])
      expect((await plainly(topchef.base + path, 'GET', headers, body)).status).toBe(200)
})

test('4 a body that is too large is 413 in the same form', async () => {
  const large = { ...SERVICE, description: 'x'.repeat(1_100_000) }
  isError(await topchef.call('POST', '/services', large), 413, 'Request Entity Too Large')
})

test('9 the validator reads draft 4, and tells every violation', async () => {
  const validate = (schema: unknown, object: unknown) =>
    topchef.call('POST', '/validator', { schema, object })
  const good = await validate({ properties: { a: { minimum: 0 } } }, { a: 1 })
  expect([good.status, good.body]).toEqual([
    200,
    {
      data: { status: 'Validation was successful' },
      links: { self: `${topchef.base}/validator` },
    },
  ])
  const schema = {
    required: ['b', 'c'],
    properties: { a: { type: 'integer', minimum: 0, exclusiveMinimum: true } },
  }
  const bad = await validate(schema, { a: 0 })
  isError(bad, 400, 'JSONSchema Validation Error')
  expect(bad.body.errors).toHaveLength(3)
  for (const [one, object] of [
    [{ type: 'nonsense' }, {}],
    [{ $ref: '#/definitions/nowhere' }, {}],
    [{ required: 'a' }, {}],
    [{ $ref: 'https://example.com/schema' }, {}],
  ] as const)
    expect((await validate(one, object)).status).toBe(400)
  for (const [one, object] of [
    [{}, []],
    [{}, null],
    [true, {}],
    ['x', 'y'],
  ])
    isError(await validate(one, object), 400, 'Deserialization Error From Client Data')
  const { status, body } = await topchef.call('GET', '/validator')
  expect([status, body.data]).toEqual([200, {}])
  expect(body['meta']).toHaveProperty('validator_schema')
})

test.each(['http://json-schema.org/schema#', 'https://json-schema.org/draft/2020-12/schema'])(
  '9 a schema is read by draft 4 whatever it calls itself: %s',
  async ($schema) => {
    const schema = { $schema, properties: { a: { minimum: 1, exclusiveMinimum: true } } }
    const path = await topchef.service({ job_registration_schema: schema })
    for (const [method, body] of [
      [`${path}/jobs`, { parameters: { a: 1 } }],
      ['/validator', { schema, object: { a: 1 } }],
    ] as const)
      isError(await topchef.call('POST', method, body), 400, 'JSONSchema Validation Error')
    await topchef.job(path, { a: 2 })
  },
)

test('who brings no credential is refused, in the same form; a token may stand in the URL', async () => {
  const nobody = new Topchef(topchef.base, {})
  for (const refused of [
    await nobody.call('GET', '/services'),
    await nobody.call('POST', '/echo', {}),
  ])
    isError(refused, 401, 'Unauthorized')
  const basic = Buffer.from(`any:${app.admin.token}`).toString('base64')
  const named = new Topchef(topchef.base, { authorization: `Basic ${basic}` })
  expect((await named.call('GET', '/services')).status).toBe(200)
})
