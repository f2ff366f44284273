import { afterAll, beforeAll, expect, test } from 'vitest'
import { streamApp, type StreamApp } from '../../../testkit/stream-app.ts'
import { seedOrganization } from '../../../testkit/seed/organizations.ts'
import { Abeja, type Answer } from '../../../testkit/fronts/abeja.ts'

/* Results and errors, those of what is not offered too (contract abeja 2.1, 2.2, 2.3, 7.2 and 7.3). */

let app: StreamApp
let abeja: Abeja
let other: Abeja
beforeAll(async () => {
  app = await streamApp()
  abeja = await Abeja.of(app.admin)
  other = await Abeja.of((await seedOrganization(app)).admin)
})
afterAll(() => app.close())

/** An error in the form that the SDK makes its exceptions from. */
function isError({ body, headers }: Answer, error: string): void {
  expect(headers.get('content-type')).toMatch(/^application\/json/)
  expect(body).toMatchObject({ error, error_description: expect.stringMatching(/./) })
  expect(Object.keys(body).every((key) => key.startsWith('error'))).toBe(true)
}

test('2.1 every success is 200 with JSON, never 204 and never a redirect', async () => {
  const deployment = await abeja.deployment()
  const { status, body } = await abeja.call('DELETE', `/deployments/${deployment}`)
  expect([status, body]).toEqual([200, { message: `${deployment} deleted` }])
})

test('2.2 an error is an object with a code, a sentence and the fields that were wrong', async () => {
  const answer = await abeja.call('POST', '/deployments', { name: 5, description: [] })
  isError(answer, 'bad_request')
  expect(answer.body['error_detail']).toEqual({
    name: ['This must be a string.'],
    description: ['This must be a string.'],
  })
})

test('2.2 what the schema finds wrong is told by the names of this dialect', async () => {
  const deployment = await abeja.deployment()
  const answer = await abeja.call('POST', `/deployments/${deployment}/versions`, {
    version: 'x'.repeat(300),
    image: 'x',
    user_parameters: { 'not a name': '1' },
  })
  isError(answer, 'bad_request')
  expect(Object.keys(answer.body['error_detail'] ?? {}).toSorted()).toEqual(['name', 'version'])
})

test('2.3 400: malformed JSON, and JSON that is no object', async () => {
  for (const body of ['{', '[]', '"text"', '1', 'null', '{"name": }', '\u{feff}{}'])
    isError(await abeja.call('POST', '/deployments', body), 'bad_request')
})

test('2.3 403: a credential of another organization, whatever stands behind it', async () => {
  const deployment = await abeja.deployment()
  const stranger = other.with({ organization: abeja.organization })
  for (const path of ['/deployments', `/deployments/${deployment}`, '/deployments/9999999999999']) {
    const answer = await stranger.call('GET', path)
    expect(answer.status).toBe(403)
    isError(answer, 'forbidden')
  }
  for (const nobody of ['9999999999999', 'default', 'x', '%00', `${abeja.organization}%2F`])
    expect((await abeja.with({ organization: nobody }).call('GET', '/deployments')).status).toBe(
      403,
    )
})

test('2.3 404: an unknown id, one of another organization, and an id of no known shape', async () => {
  const theirs = await other.deployment('theirs')
  for (const id of [
    theirs,
    '9999999999999',
    'x',
    '123',
    'dep_01',
    '%2F',
    '%00',
    '..%2f',
    'a'.repeat(500),
  ]) {
    const answer = await abeja.call('GET', `/deployments/${id}`)
    expect(answer.status, id).toBe(404)
    isError(answer, 'not_found')
  }
})

test('2.3 404: a path that is not offered, in the shape of an error', async () => {
  for (const path of [
    '/deployments/1/runs',
    '/deployments/1/triggers',
    '/training/definitions/',
    '/datasets',
    '/channels',
    '/registry/repositories',
    '/security/cidrs',
  ]) {
    const answer = await abeja.call('GET', path)
    expect(answer.status, path).toBe(404)
    isError(answer, 'not_found')
  }
  isError(await abeja.send('GET', ''), 'not_found')
  isError(await abeja.send('GET', '/%ZZ'), 'bad_request')
})

test('2.3 405: a method that a path does not have, with those it has', async () => {
  const answer = await abeja.call('PUT', '/deployments')
  expect(answer.status).toBe(405)
  isError(answer, 'method_not_allowed')
  expect(answer.headers.get('allow')).toBe('GET, HEAD, POST')
  expect((await abeja.call('DELETE', '/deployments')).status).toBe(405)
})

const at = (id: string) => `/deployments/${id}`

test('2.3 401 comes before 403, 403 before 404, and 404 before 400', async () => {
  const deployment = await abeja.deployment()
  const nobody = abeja.with({ headers: {} })
  const stranger = other.with({ organization: abeja.organization })
  const wrong = '{'
  expect((await nobody.call('PATCH', at('9999999999999'), wrong)).status).toBe(401)
  expect((await stranger.call('PATCH', at('9999999999999'), wrong)).status).toBe(403)
  expect((await abeja.call('PATCH', at('9999999999999'), wrong)).status).toBe(404)
  expect((await abeja.call('PATCH', at(deployment), wrong)).status).toBe(400)
  const service = `${at(deployment)}/services/ser-0000000000000000`
  expect((await stranger.call('PATCH', service, { instance_number: 'x' })).status).toBe(403)
  expect((await abeja.call('PATCH', service, { instance_number: 'x' })).status).toBe(404)
  // what the schema refuses, too
  expect((await stranger.call('PATCH', at(deployment), { name: 'x'.repeat(300) })).status).toBe(403)
})

test('2.3 413: a body that is larger than MAX_BODY_BYTES', async () => {
  const answer = await abeja.call('POST', '/deployments', { name: 'x'.repeat(1_100_000) })
  expect(answer.status).toBe(413)
  isError(answer, 'too_large')
})
