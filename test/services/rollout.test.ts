import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import type { Client } from '../../testkit/client.ts'
import {
  details,
  RestartService,
  RollBack,
  ScaleService,
  UpdateService,
} from '../../testkit/operations/services.ts'
import {
  becomes,
  logOf,
  runningService,
  seedService,
  seedVersion,
} from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp({ MAX_RESTARTS: '0' }) // what cannot be run is tried once
})
afterAll(() => app.close())

const image = 'node:22'
const saying = (word: string) => ({
  'main.mjs': `export const handler = () => new Response(${JSON.stringify(word)} + ' ' + process.pid)\n`,
})

/** Calls almost without a pause until it is stopped; what was answered, failures included. */
function caller(client: Client, url: string) {
  const heard = new Set<string>()
  const failures: string[] = []
  const stopped = new AbortController()
  let calls = 0
  const loop = async () => {
    while (!stopped.signal.aborted) {
      const response = await fetch(url, { headers: client.headers })
      const text = await response.text()
      calls += 1
      if (response.status === 200) heard.add(text.split(' ')[0] ?? '')
      else failures.push(`${response.status} ${text}`)
      await pause(5) // leaves some of the machine to what it calls
    }
  }
  const loops = Promise.all([loop(), loop()])
  return {
    heard,
    failures,
    get calls() {
      return calls
    },
    async stop() {
      stopped.abort()
      await loops
    },
  }
}

const rollOut = (id: string, versionId: string) =>
  app.admin.request(UpdateService, { input: { id, backend: { process: { versionId } } } })

/** A service is READY and serves this version with so many instances. */
const serves = (id: string, versionId: string, instances = 1) =>
  until(async () => {
    const now = await details(app.admin, id)
    const right = now.instances?.filter(
      ({ status, version }) => status === 'READY' && version?.id === versionId,
    )
    return now.status === 'READY' && now.version?.id === versionId && right?.length === instances
  })

test('a rollout, a restart and changes of scale fail no request', async () => {
  const service = await runningService(app.admin, saying('one'), { image, desired: 2 })
  const two = await seedVersion(app.admin, service.deploymentId, saying('two'), { image })
  const calling = caller(app.admin, service.invokeUrl)
  try {
    await until(() => calling.heard.has('one'))
    const { updateService } = await rollOut(service.id, two)
    expect(updateService).toMatchObject({ service: { status: 'SCALING' } })
    expect((await details(app.admin, service.id)).targetVersion?.id).toBe(two)
    await serves(service.id, two, 2)
    // a call that began before may still be answered by what it had begun with; one that begins now is not
    const { headers } = app.admin
    const now = Array.from({ length: 6 }, async () =>
      (await fetch(service.invokeUrl, { headers })).text(),
    )
    for (const text of await Promise.all(now)) expect(text).toMatch(/^two /)

    const before = (await details(app.admin, service.id)).instances?.map(({ id }) => id)
    await app.admin.request(RestartService, { input: { id: service.id } })
    await serves(service.id, two, 2)
    // the last to leave may still be answering when the service is READY
    await until(async () => {
      const { instances } = await details(app.admin, service.id)
      return instances?.every(({ id }) => !before?.includes(id)) ?? false
    })

    await app.admin.request(ScaleService, { input: { id: service.id, scale: { desired: 3 } } })
    await serves(service.id, two, 3)
    await app.admin.request(ScaleService, { input: { id: service.id, scale: { desired: 1 } } })
    await serves(service.id, two, 1)
    await until(async () => (await details(app.admin, service.id)).instances?.length === 1)
  } finally {
    await calling.stop()
  }
  expect(calling.failures).toEqual([])
  expect(calling.calls).toBeGreaterThan(20)
  const kinds = (await details(app.admin, service.id)).events.nodes.map(({ kind }) => kind)
  for (const kind of [
    'CREATED',
    'UPDATED',
    'DEPLOYED',
    'SCALED',
    'INSTANCE_STARTED',
    'INSTANCE_EXITED',
  ])
    expect(kinds).toContain(kind)
})

test('a version that cannot be run leaves the old one serving and says why', async () => {
  const service = await runningService(app.admin, saying('good'), { image })
  const bad = await seedVersion(
    app.admin,
    service.deploymentId,
    { 'main.mjs': 'throw new Error("no luck")\n' },
    { image, label: 'broken' },
  )
  const calling = caller(app.admin, service.invokeUrl)
  try {
    await rollOut(service.id, bad)
    await until(async () => {
      const now = await details(app.admin, service.id)
      return now.status === 'READY' && now.statusReason !== null
    })
  } finally {
    await calling.stop()
  }
  expect(calling.failures).toEqual([])
  expect([...calling.heard]).toEqual(['good'])
  const now = await details(app.admin, service.id)
  expect(now.statusReason).toMatch(/Version "broken" could not be rolled out/)
  expect(now).toMatchObject({ version: { id: service.versionId }, targetVersion: null })
  expect(await logOf(app.admin, service.id)).toContain('no luck')

  const good = await seedVersion(app.admin, service.deploymentId, saying('better'), { image })
  await rollOut(service.id, good)
  await serves(service.id, good)
  expect((await details(app.admin, service.id)).statusReason).toBe(null)
})

test('a rollback is READY only when the earlier version serves, for all services or those named', async () => {
  const service = await runningService(app.admin, saying('one'), { image })
  const one = service.versionId
  const two = await seedVersion(app.admin, service.deploymentId, saying('two'), { image })
  const other = await seedService(app.admin, two)
  await rollOut(service.id, two)
  await serves(service.id, two)
  await serves(other.id, two)
  const heard = async (url: string) =>
    (await (await fetch(url, { headers: app.admin.headers })).text()).split(' ')[0]

  const deploymentId = service.deploymentId
  const back = { deploymentId, versionId: one, serviceIds: [service.id], reason: 'two is worse' }
  const { rollBackDeployment } = await app.admin.request(RollBack, { input: back })
  expect(rollBackDeployment).toMatchObject({ services: [{ id: service.id }] })
  await becomes(app.admin, service.id, 'READY')
  expect([await heard(service.invokeUrl), await heard(other.invokeUrl)]).toEqual(['one', 'two'])
  const { events } = await details(app.admin, service.id)
  expect(events.nodes).toContainEqual(
    expect.objectContaining({ kind: 'ROLLED_BACK', message: 'two is worse' }),
  )

  await app.admin.request(RollBack, { input: { deploymentId, versionId: one } })
  await becomes(app.admin, other.id, 'READY')
  expect([await heard(service.invokeUrl), await heard(other.invokeUrl)]).toEqual(['one', 'one'])

  const stranger = await runningService(app.admin, saying('else'), { image })
  for (const input of [
    { deploymentId, versionId: stranger.versionId },
    { deploymentId, versionId: one, serviceIds: [stranger.id] },
  ]) {
    const refused = await app.admin.request(RollBack, { input })
    expect(refused.rollBackDeployment.__typename).toBe('ValidationError')
  }
})

test('an update changes what it names, once, and not behind the back of somebody else', async () => {
  const service = await runningService(app.admin, saying('one'), { image })
  const update = async (input: {
    name?: string
    description?: string
    expectedRevision?: number
  }) =>
    (await app.admin.request(UpdateService, { input: { id: service.id, ...input } })).updateService
  expect(await update({ description: 'for tests' })).toMatchObject({
    service: { description: 'for tests' },
  })
  const renamed = await update({ name: 'new name' })
  expect(renamed).toMatchObject({
    service: { name: 'new name', description: 'for tests', status: 'READY' },
  })
  const revision = renamed.__typename === 'UpdateServiceSuccess' ? renamed.service.revision : 0
  expect(await update({ name: 'third', expectedRevision: revision - 1 })).toMatchObject({
    __typename: 'Conflict',
    field: 'expectedRevision',
    existing: { id: service.id },
  })
  expect(await update({ name: 'third', expectedRevision: revision })).toMatchObject({
    service: { name: 'third' },
  })
})

test('another size is kept and told, and restarts nothing where the runtime does not heed it', async () => {
  const service = await runningService(app.admin, saying('sized'), { image })
  const before = await details(app.admin, service.id)
  const process = { instanceType: 'cpu-4' }
  await app.admin.request(UpdateService, { input: { id: service.id, backend: { process } } })
  const { status, instances, events } = await details(app.admin, service.id)
  expect({ status, instances }).toEqual({ status: 'READY', instances: before.instances })
  expect(events.nodes.slice(before.events.nodes.length)).toMatchObject([
    { kind: 'UPDATED', changes: [{ field: 'instanceType', from: 'cpu-1', to: 'cpu-4' }] },
  ])
})
