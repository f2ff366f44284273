import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../../testkit/app.ts'
import { tarGz } from '../../../testkit/archive.ts'
import { Abeja, ECHO } from '../../../testkit/fronts/abeja.ts'

/* Deployments; versions, their upload and their download (contract abeja 3, 4.1 and 4.2). */

let app: TestApp
let abeja: Abeja
beforeAll(async () => {
  app = await testApp()
  abeja = await Abeja.of(app.admin)
})
afterAll(() => app.close())

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/

test('a deployment is made with a name alone and has every field of the dialect', async () => {
  const made = await abeja.did('POST', '/deployments', { name: 'alone' })
  expect(made).toEqual({
    deployment_id: expect.stringMatching(/^[1-9]\d{12}$/),
    name: 'alone',
    description: '',
    creator: {
      id: expect.stringMatching(/^[1-9]\d{12}$/),
      email: 'admin',
      display_name: expect.anything(),
      is_registered: true,
      role: 'admin',
      created_at: expect.stringMatching(/T\d\d:\d\d:\d\dZ$/),
      updated_at: expect.stringMatching(/T\d\d:\d\d:\d\dZ$/),
    },
    default_environment: {},
    services: [],
    runs: [],
    triggers: [],
    endpoints: [],
    daemons: [],
    codes: [],
    created_at: expect.stringMatching(TIME),
    modified_at: expect.stringMatching(TIME),
  })
  expect(await abeja.did('GET', `/deployments/${made.deployment_id}`)).toEqual(made)
})

test('names need not be unique, unknown fields are passed over', async () => {
  const input = { name: 'default', description: 'one', default_environment: { A: '1' }, more: [1] }
  const one = await abeja.did('POST', '/deployments', input)
  const two = await abeja.did('POST', '/deployments', input)
  expect(one.deployment_id).not.toBe(two.deployment_id)
  expect(two).toMatchObject({
    name: 'default',
    description: 'one',
    default_environment: { A: '1' },
  })
})

test('a name that is missing, empty or no text is 400', async () => {
  for (const body of [{}, { name: '' }, { name: ' ' }, { name: null }, { name: 1 }, undefined])
    expect((await abeja.call('POST', '/deployments', body)).status).toBe(400)
  for (const environment of ['A=1', ['A'], { A: 1 }, { 'a b': '1' }])
    expect(
      await abeja.call('POST', '/deployments', { name: 'x', default_environment: environment }),
    ).toMatchObject({ status: 400, body: { error: 'bad_request' } })
})

test('a patch changes what is given, and replaces the environment', async () => {
  const input = { name: 'before', default_environment: { A: '1', B: '2' } }
  const { deployment_id: id } = await abeja.did('POST', '/deployments', input)
  const path = `/deployments/${id}`
  expect(await abeja.did('PATCH', path, { name: 'after' })).toMatchObject({
    name: 'after',
    default_environment: { A: '1', B: '2' },
  })
  expect(
    await abeja.did('PATCH', path, { description: 'said', default_environment: { B: '3' } }),
  ).toMatchObject({ name: 'after', description: 'said', default_environment: { B: '3' } })
  const same = await abeja.did('GET', path)
  expect(await abeja.did('PATCH', path)).toEqual(same)
  for (const body of [{ name: '' }, { name: 1 }, { default_environment: { A: null } }])
    expect((await abeja.call('PATCH', path, body)).status).toBe(400)
})

test('get, patch and delete of what is not there are 404', async () => {
  for (const method of ['GET', 'PATCH', 'DELETE'])
    expect((await abeja.call(method, '/deployments/9876543210987')).status).toBe(404)
})

test('a deployment holds its services, and is deleted only without them', async () => {
  const { deployment, service, path } = await abeja.running(ECHO)
  const found = await abeja.did('GET', `/deployments/${deployment}`)
  expect(found['services']).toEqual([await abeja.did('GET', path)])
  expect(await abeja.call('DELETE', `/deployments/${deployment}`)).toMatchObject({
    status: 400,
    body: { error: 'bad_request', error_description: expect.stringContaining('1 service') },
  })
  expect(await abeja.did('DELETE', path)).toEqual({ message: `${service} deleted` })
  expect(await abeja.did('DELETE', `/deployments/${deployment}`)).toEqual({
    message: `${deployment} deleted`,
  })
  expect((await abeja.call('GET', `/deployments/${deployment}`)).status).toBe(404)
})

test('a list is an object of entries in the order they were made, every one with its creator', async () => {
  const first = await abeja.deployment('first')
  const second = await abeja.deployment('second')
  const { entries } = await abeja.did('GET', '/deployments')
  const ids = entries.map(({ deployment_id }) => deployment_id)
  expect(ids.slice(-2)).toEqual([first, second])
  expect(entries.every(({ creator }) => creator.email === 'admin')).toBe(true)
})

const wanted = { version: '0.0.1', image: 'abeja-inc/all-cpu:19.10', handler: 'main:handler' }
const put = async (url: string, body: Uint8Array) =>
  fetch(url, { method: 'PUT', body: new Uint8Array(body) })

describe('its versions', () => {
  let deployment: string
  let versions: string
  beforeAll(async () => {
    deployment = await abeja.deployment()
    versions = `/deployments/${deployment}/versions`
  })

  test('a version is made, and its upload URL is told once', async () => {
    const made = await abeja.did('POST', versions, { ...wanted, user_parameters: { P: 'x' } })
    const { upload_url: url, ...version } = made
    expect(version).toMatchObject({
      deployment_id: deployment,
      version: '0.0.1',
      version_id: expect.stringMatching(/^ver-[0-9a-f]{16}$/),
      handler: 'main:handler',
      image: 'abeja-inc/all-cpu:19.10',
      user_parameters: { P: 'x' },
      creator: { email: 'admin' },
      model_id: null,
    })
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[^?]+\/source\.tgz\?/)
    expect(await abeja.did('GET', `${versions}/${made.version_id}`)).toEqual(version)
    const { entries } = await abeja.did('GET', versions)
    expect(entries).toEqual([version])
  })

  test('a handler and parameters may be left out', async () => {
    const made = await abeja.did('POST', versions, { version: 'least', image: 'x' })
    expect(made).toMatchObject({ handler: 'main:handler', user_parameters: {} })
  })

  test('400: a missing or wrong parameter, a label that is taken, no such deployment', async () => {
    await abeja.did('POST', versions, { ...wanted, version: 'taken' })
    for (const body of [
      {},
      { version: '1' },
      { image: 'x' },
      { ...wanted, version: 1 },
      { ...wanted, version: 'taken' },
      { ...wanted, version: 'h', handler: 'no function' },
      { ...wanted, version: 'p', user_parameters: { A: 1 } },
    ])
      expect(await abeja.call('POST', versions, body), JSON.stringify(body)).toMatchObject({
        status: 400,
        body: { error: 'bad_request' },
      })
    expect(await abeja.call('POST', '/deployments/9876543210987/versions', wanted)).toMatchObject({
      status: 400,
    })
  })

  test('404: get, delete, download and the list of what is not there', async () => {
    const elsewhere = await abeja.deployment('elsewhere')
    const { version_id: id } = await abeja.did('POST', versions, { ...wanted, version: 'here' })
    for (const path of [
      `${versions}/ver-0000000000000000`,
      `${versions}/x`,
      `/deployments/${elsewhere}/versions/${id}`,
      `/deployments/9876543210987/versions/${id}`,
    ]) {
      expect((await abeja.call('GET', path)).status, path).toBe(404)
      expect((await abeja.call('DELETE', path)).status, path).toBe(404)
      expect((await abeja.call('GET', `${path}/download`)).status, path).toBe(404)
    }
    expect((await abeja.call('GET', '/deployments/9876543210987/versions')).status).toBe(404)
    // nothing was uploaded
    expect((await abeja.call('GET', `${versions}/${id}/download`)).status).toBe(404)
  })

  test('what is put at the URL, without a credential, is what the download gives back', async () => {
    const made = await abeja.did('POST', versions, { ...wanted, version: 'bytes' })
    const bytes = new Uint8Array(await tarGz(ECHO))
    const first = await put(made.upload_url, new Uint8Array(Buffer.from('no archive')))
    expect(first.status).toBe(400)
    // a client that has lost the answer sends the same again
    for (let n = 0; n < 2; n++) {
      const sent = await put(made.upload_url, bytes)
      expect([sent.status, await sent.text()]).toEqual([200, ''])
    }
    const other = await put(made.upload_url, new Uint8Array(await tarGz({ 'other.py': '' })))
    expect(other.status).toBe(409)
    const answer = await abeja.did('GET', `${versions}/${made.version_id}/download`)
    expect(Object.keys(answer)).toEqual(['download_uri'])
    // the command line takes the name from before the question mark
    expect(answer.download_uri).toMatch(/\/source\.tgz\?./)
    const back = await fetch(answer.download_uri)
    expect(new Uint8Array(await back.arrayBuffer())).toEqual(bytes)
  })

  test('an upload with a bad signature is 403, and one that is no archive 400', async () => {
    const made = await abeja.did('POST', versions, { ...wanted, version: 'signed' })
    const url = made.upload_url
    const bytes = new Uint8Array(await tarGz(ECHO))
    for (const bad of [
      url.slice(0, -2),
      url.replace(/\?.*/, ''),
      url.replace(/expires=\d+/, 'expires=1'),
    ])
      expect((await put(bad, bytes)).status).toBe(403)
    expect((await put(url, new Uint8Array(Buffer.from('no archive')))).status).toBe(400)
  })

  test('a version that a service uses is neither deleted nor replaced', async () => {
    const made = await abeja.did('POST', versions, { ...wanted, version: 'used' })
    const bytes = new Uint8Array(await tarGz(ECHO))
    await put(made.upload_url, bytes)
    const service = await abeja.did('POST', `/deployments/${deployment}/services`, {
      version_id: made.version_id,
    })
    const path = `${versions}/${made.version_id}`
    expect((await abeja.call('DELETE', path)).status).toBe(400)
    expect(
      (await put(made.upload_url, new Uint8Array(await tarGz({ 'other.py': '' })))).status,
    ).toBe(409)
    await abeja.did('DELETE', `/deployments/${deployment}/services/${service.service_id}`)
    expect(await abeja.did('DELETE', path)).toEqual({ message: `${made.version_id} deleted` })
    expect((await abeja.call('GET', path)).status).toBe(404)
  })

  test('templates and repositories are 400, whatever is sent, for whoever may make versions', async () => {
    for (const path of ['code_templates', 'git/versions'])
      expect(await abeja.call('POST', `/deployments/${deployment}/${path}`, {})).toMatchObject({
        status: 400,
        body: { error: 'bad_request' },
      })
    const nowhere = abeja.with({ organization: '9999999999999' })
    expect((await nowhere.call('POST', `/deployments/1/git/versions`, {})).status).toBe(403)
  })
})
