import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../../testkit/shared.ts'
import { Abeja, ECHO } from '../../../testkit/fronts/abeja.ts'

/* Contract 4.1: deployments. */

let app: SharedApp
let abeja: Abeja
beforeAll(async () => {
  app = await sharedApp()
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
