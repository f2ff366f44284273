import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { CreateDeployment } from '../../testkit/operations/deployments.ts'
import { Activities, CreateToken } from '../../testkit/operations/organizations.ts'
import {
  CreateService,
  InvokeService,
  RollBack,
  ScaleService,
  StopService,
} from '../../testkit/operations/services.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seed } from '../../testkit/seed/chain.ts'
import { becomes, runningService, seedService } from '../../testkit/seed/services.ts'
import { apart, atOnce } from './answers.ts'

let app: SharedApp
let deploymentId: string
let versionIds: string[]
/** Says how often it was called, and as many letters as it is asked for. */
let counting: string
beforeAll(async () => {
  app = await sharedApp()
  const files = { 'main.py': 'def handler(request, context):\n    return {}\n' }
  const made = await seed(app.admin).deployment().version(files).version(files).made()
  ;({ deploymentId, versionIds } = made)
  const counter = {
    'main.mjs': `
let calls = 0
export const handler = async (request) =>
  Response.json({ call: (calls += 1), text: 'x'.repeat((await request.json()).size) })
`,
  }
  counting = (await runningService(app.admin, counter, { image: 'node' })).id
})
afterAll(() => app.close())

/** How often the history says that it was done to these. */
async function acts(action: string, ids: readonly string[]): Promise<string[]> {
  const { activity } = await app.admin.request(Activities, {
    first: 1000,
    filter: { actions: [action] },
  })
  return activity.nodes.map(({ subjectId }) => subjectId).filter((id) => ids.includes(id))
}

test('called 100 times at once, createDeployment makes one deployment and answers alike', async () => {
  const input = { name: 'at once', idempotencyKey: randomUUID() }
  const outcomes = await atOnce(100, async () =>
    succeeded(
      (await app.admin.request(CreateDeployment, { input })).createDeployment,
      'CreateDeploymentSuccess',
    ),
  )
  const { answers, firsts } = apart(outcomes)
  expect(answers).toHaveLength(1)
  expect(firsts).toBe(1)
  const { activity } = await app.admin.request(Activities, {
    first: 1000,
    filter: { actions: ['createDeployment'] },
  })
  const made = activity.nodes.filter(({ changes }) => changes.some(({ to }) => to === 'at once'))
  expect(made.map(({ subjectId }) => subjectId)).toEqual([outcomes[0]?.deployment.id])
})

test('called 100 times at once, createToken makes one token and shows one secret, which works', async () => {
  const input = { name: 'at once', role: 'VIEWER' as const, idempotencyKey: randomUUID() }
  const outcomes = await atOnce(100, async () =>
    succeeded((await app.admin.request(CreateToken, { input })).createToken, 'CreateTokenSuccess'),
  )
  const { answers, firsts } = apart(outcomes)
  expect(answers).toHaveLength(1)
  expect(firsts).toBe(1)
  const [one] = outcomes
  expect(await acts('createToken', [one?.token.id ?? ''])).toHaveLength(1)
  await app.client(one?.secret).request(Activities, { first: 1000, filter: { actions: [] } })
})

test('called 100 times at once, createService, scaleService and rollBackDeployment act once', async () => {
  const [earlier = '', later = ''] = versionIds
  const name = 'at once'
  const key = randomUUID()
  const backend = { process: { versionId: later } }
  const made = await atOnce(100, async () =>
    succeeded(
      (
        await app.admin.request(CreateService, {
          input: { name, backend, idempotencyKey: key },
        })
      ).createService,
      'CreateServiceSuccess',
    ),
  )
  expect(apart(made)).toEqual({ answers: [expect.any(String)], firsts: 1 })
  const id = made[0]?.service.id ?? ''
  expect(await acts('createService', [id])).toHaveLength(1)

  const scale = { id, scale: { desired: 2 }, idempotencyKey: randomUUID() }
  const scaled = await atOnce(100, async () =>
    succeeded(
      (await app.admin.request(ScaleService, { input: scale })).scaleService,
      'ScaleServiceSuccess',
    ),
  )
  expect(apart(scaled)).toEqual({ answers: [expect.any(String)], firsts: 1 })
  expect(scaled[0]?.service.scale.desired).toBe(2)
  expect(await acts('scaleService', [id])).toEqual([id])

  const other = await seedService(app.admin, later)
  const serviceIds = [id, other.id]
  const back = { deploymentId, versionId: earlier, serviceIds, idempotencyKey: randomUUID() }
  const rolled = await atOnce(100, async () =>
    succeeded(
      (await app.admin.request(RollBack, { input: back })).rollBackDeployment,
      'RollBackDeploymentSuccess',
    ),
  )
  expect(apart(rolled)).toEqual({ answers: [expect.any(String)], firsts: 1 })
  expect((await acts('rollBackDeployment', serviceIds)).toSorted()).toEqual(serviceIds.toSorted())
})

const invoke = async (size: number, idempotencyKey: string) => {
  const input = { id: counting, json: { size }, idempotencyKey }
  return (await app.admin.request(InvokeService, { input })).invokeService
}
const answer = async (size: number, key: string) =>
  succeeded(await invoke(size, key), 'InvokeServiceSuccess')

test('a service is called once for a key, and its answer repeated', async () => {
  const key = randomUUID()
  const outcomes = await atOnce(20, () => answer(1, key))
  expect(apart(outcomes)).toEqual({ answers: [expect.any(String)], firsts: 1 })
  expect(outcomes[0]?.json).toEqual({ call: 1, text: 'x' })
  expect((await answer(1, randomUUID())).json).toEqual({ call: 2, text: 'x' })
})

test('an answer of more than 256 kB is given once, and the service not called again', async () => {
  const key = randomUUID()
  const { json } = await answer(300_000, key)
  expect(json).toMatchObject({ call: 3 })
  expect(await invoke(300_000, key)).toMatchObject({
    __typename: 'Conflict',
    field: 'idempotencyKey',
  })
  expect((await answer(1, randomUUID())).json).toMatchObject({ call: 4 })
})

test('a refusal is repeated with its facts', async () => {
  const input = { id: counting, idempotencyKey: randomUUID() }
  expect((await app.admin.request(StopService, { input })).stopService).toMatchObject({
    __typename: 'StopServiceSuccess',
  })
  await becomes(app.admin, counting, 'STOPPED')
  const key = randomUUID()
  const refused = await invoke(1, key)
  expect(refused).toMatchObject({ __typename: 'WrongState' })
  expect(await invoke(1, key)).toEqual(refused)
})
