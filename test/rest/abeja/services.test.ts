import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../../testkit/generated/index.ts'
import { sharedApp, type SharedApp } from '../../../testkit/shared.ts'
import { Abeja, type Said } from '../../../testkit/fronts/abeja.ts'
import { update } from '../../../testkit/operations/services.ts'

/* Services, their objects, updates and lifecycle (contract abeja 3, 4.4, 4.4.1, 4.4.2, 4.4.3 and 4.4.4). */

/* Nobody calls them here. */
const QUIET = { 'main.mjs': 'export const handler = () => new Response()\n' }
const node = { image: 'node:20' }

let app: SharedApp
let abeja: Abeja
let deployment: string
let version: string
let services: string
beforeAll(async () => {
  app = await sharedApp()
  abeja = await Abeja.of(app.admin)
  const environment = { A: 'd', B: 'd' }
  const made = await abeja.did('POST', '/deployments', {
    name: 'd',
    default_environment: environment,
  })
  deployment = made.deployment_id
  version = await abeja.version(deployment, QUIET, {
    ...node,
    version: '1.0.0',
    user_parameters: { B: 'v', C: 'v' },
  })
  services = `/deployments/${deployment}/services`
})
afterAll(() => app.close())

const create = (more: object = {}) => abeja.did('POST', services, { version_id: version, ...more })
const at = (service: Said) => `${services}/${service.service_id}`

test('4.4.1 a service is made of a version alone and answers IN_PROGRESS with every field', async () => {
  const made = await create()
  expect(made).toEqual({
    service_id: expect.stringMatching(/^ser-[0-9a-f]{16}$/),
    deployment_id: deployment,
    models: {},
    model_version: '1.0.0',
    model_version_id: version,
    status: 'IN_PROGRESS',
    instance_number: 1,
    min_instance_number: 1,
    max_instance_number: 2,
    enable_autoscale: true,
    instance_type: 'cpu-0.25',
    metrics_url: null,
    user_env_vars: {},
    merged_env_vars: { A: 'd', B: 'v', C: 'v' },
    record_channel_id: null,
    service_process_type: 'multi',
    created_at: expect.stringMatching(/\.\d{6}Z$/),
    modified_at: expect.stringMatching(/\.\d{6}Z$/),
  })
  await abeja.becomes(at(made), 'READY')
})

test('4.4.1 numbers and flags may be texts, unknown fields are passed over', async () => {
  const made = await create({
    instance_type: 'gpu:b-4',
    instance_number: '1',
    enable_autoscale: 'true',
    environment: { B: 's', D: 's' },
    record_channel_id: '1230000000000',
    whatever: { else: 1 },
  })
  expect(made).toMatchObject({
    instance_type: 'gpu:b-4',
    instance_number: 1,
    user_env_vars: { B: 's', D: 's' },
    merged_env_vars: { A: 'd', B: 's', C: 'v', D: 's' },
    record_channel_id: '1230000000000',
  })
  expect(await abeja.did('GET', at(made))).toMatchObject({ record_channel_id: '1230000000000' })
})

test('4.4.1 400: what is missing or wrong, and what is not there', async () => {
  const unsent = await abeja.did('POST', `/deployments/${deployment}/versions`, {
    version: 'unsent',
    image: 'x',
  })
  const elsewhere = await abeja.version(await abeja.deployment('elsewhere'))
  for (const body of [
    {},
    { version_id: '' },
    { version_id: 5 },
    { version_id: 'ver-0000000000000000' },
    { version_id: unsent.version_id },
    { version_id: elsewhere },
    { version_id: version, instance_number: 0 },
    { version_id: version, instance_number: 301 },
    { version_id: version, instance_number: 1.5 },
    { version_id: version, instance_number: 'two' },
    { version_id: version, enable_autoscale: 'yes' },
    { version_id: version, min_instance_number: 0 },
    { version_id: version, instance_number: 3, max_instance_number: 2 },
    { version_id: version, instance_number: 1, min_instance_number: 2 },
    { version_id: version, environment: { A: 1 } },
    { version_id: version, environment: [] },
    { version_id: version, models: { alias: '1111111111111' } },
    { version_id: version, instance_type: 'a size with spaces' },
    { version_id: version, instance_type: 'c5.large' },
    { version_id: version, instance_type: 'cpu:a-1' },
    { version_id: version, instance_type: 'gpu:e-1' },
    { version_id: version, instance_type: 'cpu-1.' },
  ])
    expect(await abeja.call('POST', services, body), JSON.stringify(body)).toMatchObject({
      status: 400,
      body: { error: 'bad_request' },
    })
  const nowhere = '/deployments/9876543210987/services'
  expect((await abeja.call('POST', nowhere, { version_id: version })).status).toBe(400)
  expect((await abeja.call('GET', nowhere)).status).toBe(404)
})

test('404: everything about a service that is not there, or not there', async () => {
  const made = await create()
  const elsewhere = await abeja.deployment('elsewhere')
  for (const path of [
    `${services}/ser-0000000000000000`,
    `${services}/x`,
    `/deployments/${elsewhere}/services/${made.service_id}`,
  ]) {
    for (const method of ['GET', 'PATCH', 'DELETE'])
      expect((await abeja.call(method, path)).status, `${method} ${path}`).toBe(404)
    for (const verb of ['start', 'stop'])
      expect((await abeja.call('POST', `${path}/${verb}`)).status, path).toBe(404)
    for (const log of ['recentlogs', 'logs'])
      expect((await abeja.call('GET', `${path}/${log}`)).status, path).toBe(404)
  }
})

test('4.4.3 a patch scales, replaces the environment, or does nothing at all', async () => {
  const made = await create({ environment: { D: '1', E: '1' } })
  const path = at(made)
  await abeja.becomes(path, 'READY')
  const before = await abeja.did('GET', path)
  expect(await abeja.did('PATCH', path)).toEqual(before)
  expect(await abeja.did('PATCH', path, {})).toEqual(before)
  expect(
    await abeja.did('PATCH', path, { instance_number: 2, enable_autoscale: 'false' }),
  ).toMatchObject({
    status: 'IN_PROGRESS',
    instance_number: 2,
    user_env_vars: { D: '1', E: '1' },
  })
  await abeja.becomes(path, 'READY')
  expect(await abeja.did('PATCH', path, { environment: { E: '2' } })).toMatchObject({
    user_env_vars: { E: '2' },
    status: 'IN_PROGRESS',
  })
  await abeja.becomes(path, 'READY')
  const next = await abeja.version(deployment, QUIET, { ...node, version: '1.0.1' })
  expect(
    await abeja.did('PATCH', path, { version_id: next, record_channel_id: '5' }),
  ).toMatchObject({
    model_version: '1.0.1',
    model_version_id: next,
    record_channel_id: '5',
  })
  await abeja.becomes(path, 'READY')
  for (const body of [
    { instance_number: 0 },
    { instance_number: 'x' },
    { instance_number: 5, max_instance_number: 4 },
    { min_instance_number: 9, max_instance_number: 4 },
    { version_id: 'ver-0000000000000000' },
    { environment: 1 },
    '[]',
  ])
    expect((await abeja.call('PATCH', path, body)).status, JSON.stringify(body)).toBe(400)
})

test('4.4.3 bounds and the flag are changed alone, and a number alone moves the bound it crosses', async () => {
  const path = at(await create({ instance_number: 1, max_instance_number: 3 }))
  expect(await abeja.did('POST', `${path}/stop`)).toBeTypeOf('object')
  const numbers = async (body: object) => {
    const changed = await abeja.did('PATCH', path, body)
    const { instance_number, min_instance_number, max_instance_number } = changed
    return [instance_number, min_instance_number, max_instance_number, changed['enable_autoscale']]
  }
  expect(await numbers({})).toEqual([1, 1, 3, true])
  expect(await numbers({ enable_autoscale: false })).toEqual([1, 1, 3, false])
  expect(await numbers({ instance_number: 5 })).toEqual([5, 1, 5, false])
  expect(await numbers({ max_instance_number: '10', enable_autoscale: 'true' })).toEqual([
    5,
    1,
    10,
    true,
  ])
  expect(await numbers({ min_instance_number: 7 })).toEqual([7, 7, 10, true])
})

test('4.4.4 start and stop: each once, the second time 400 and nothing changed', async () => {
  const made = await create()
  const { service_id: id } = made
  const path = at(made)
  expect((await abeja.call('POST', `${path}/start`)).status).toBe(400)
  await abeja.becomes(path, 'READY')
  expect((await abeja.call('POST', `${path}/start`)).status).toBe(400)
  expect(await abeja.did('POST', `${path}/stop`)).toEqual({ message: `${id} stopped` })
  expect(await abeja.did('GET', path)).toMatchObject({ status: 'STOPPED' })
  expect((await abeja.call('POST', `${path}/stop`)).status).toBe(400)
  expect(await abeja.did('PATCH', path, { instance_number: 2 })).toMatchObject({
    status: 'STOPPED',
    instance_number: 2,
  })
  expect(await abeja.did('POST', `${path}/start`)).toEqual({ message: `${id} started` })
  await abeja.becomes(path, 'READY')
})

test('4.4.4 what cannot be started is FAILED, can be started again, and is deleted in any state', async () => {
  const broken = await abeja.version(deployment, { 'main.py': 'import nothing_of_this_name' })
  const made = await create({ version_id: broken })
  const path = at(made)
  await abeja.becomes(path, 'FAILED')
  expect((await abeja.call('POST', `${path}/stop`)).status).toBe(400)
  expect((await abeja.call('POST', `${path}/start`)).status).toBe(200)
  expect(await abeja.did('DELETE', path)).toEqual({ message: `${made.service_id} deleted` })
  for (const [method, more] of [
    ['GET', ''],
    ['DELETE', ''],
    ['GET', '/recentlogs'],
  ] as const)
    expect((await abeja.call(method, path + more)).status).toBe(404)
})

test('a list has them all in the order they were made', async () => {
  const own = await abeja.deployment('listed')
  const its = await abeja.version(own, QUIET, node)
  const path = `/deployments/${own}/services`
  expect(await abeja.did('GET', path)).toEqual({ entries: [] })
  const ids: unknown[] = []
  for (let n = 0; n < 3; n += 1)
    ids.push((await abeja.did('POST', path, { version_id: its })).service_id)
  const { entries } = await abeja.did('GET', path)
  expect(entries.map(({ service_id }) => service_id)).toEqual(ids)
  for (const id of ids) await abeja.did('DELETE', `${path}/${String(id)}`)
})

const Activity = graphql(`
  query AbejaActivity {
    activity(first: 100) {
      nodes {
        action
        actor {
          front
        }
      }
    }
  }
`)

test('what is done here is in the history, with the front it came through', async () => {
  await abeja.did('DELETE', at(await create()))
  const { activity } = await app.admin.request(Activity)
  const front = (action: string) => activity.nodes.find((one) => one.action === action)?.actor.front
  expect(['createService', 'deleteService'].map(front)).toEqual(['ABEJA', 'ABEJA'])
})

test('a secret that was set elsewhere is not told', async () => {
  const made = await create()
  const environment = [{ name: 'S', value: 'hush', isSecret: true }]
  const id = `abeja:${made.service_id}`
  await update(app.admin, { id, backend: { process: { environment } } })
  expect(await abeja.did('GET', at(made))).toMatchObject({ user_env_vars: { S: '***' } })
})
