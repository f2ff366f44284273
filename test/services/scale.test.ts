import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ScaleInput } from '../../testkit/generated/graphql.ts'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { StopService, UpdateService } from '../../testkit/operations/services.ts'
import { listener } from '../../testkit/seed/programs.ts'
import { becomes, seedService } from '../../testkit/seed/services.ts'
import { ask, Rescale, scaledService, scaling } from './scaling.ts'

/* Which numbers go with which, so what runs is the least that can. */

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

const made = (scale: ScaleInput) => scaledService(app.admin, scale, listener)

test.each<[ScaleInput, object]>([
  [{}, { desired: 1, min: 1, max: 1, autoscale: false, targetInFlight: 4 }],
  [{ desired: 3 }, { desired: 3, min: 1, max: 3 }],
  [{ min: 2 }, { desired: 2, min: 2, max: 2 }],
  [
    { max: 5, autoscale: true },
    { desired: 1, min: 1, max: 5, autoscale: true },
  ],
  [
    { min: 0, autoscale: true },
    { desired: 1, min: 0, max: 1, autoscale: true },
  ],
  [
    { desired: 0, autoscale: true },
    { desired: 0, min: 0, max: 1, autoscale: true },
  ],
])('a new service with %j has what is not said as it goes with that', async (scale, whole) => {
  const { id } = await made(scale)
  expect((await scaling(app.admin, id)).scale).toMatchObject(whole)
})

const change = async (id: string, scale: ScaleInput) =>
  (await app.admin.request(Rescale, { id, scale })).scaleService

// contract abeja 4.4.3
test('what is absent stays, null goes back, and a number alone moves the bound it crosses', async () => {
  const { id } = await made({ min: 2, max: 4, targetInFlight: 9 })
  await becomes(app.admin, id, 'READY')
  const steps: [ScaleInput, object][] = [
    [{ autoscale: true }, { desired: 2, min: 2, max: 4, autoscale: true, targetInFlight: 9 }],
    [{ desired: 6 }, { desired: 6, min: 2, max: 6, autoscale: true, targetInFlight: 9 }],
    [{ desired: 1 }, { desired: 1, min: 1, max: 6, autoscale: true, targetInFlight: 9 }],
    // the bound that is given moves a number that nobody has given
    [{ min: 3 }, { desired: 3, min: 3, max: 6, autoscale: true, targetInFlight: 9 }],
    [
      { min: 1, max: 2 },
      { desired: 2, min: 1, max: 2, autoscale: true, targetInFlight: 9 },
    ],
    [{ targetInFlight: null }, { desired: 2, min: 1, max: 2, autoscale: true, targetInFlight: 4 }],
    [{ desired: 0 }, { desired: 0, min: 0, max: 2, autoscale: true, targetInFlight: 4 }],
    // nobody could wake it any more
    [{ autoscale: null }, { desired: 1, min: 0, max: 2, autoscale: false, targetInFlight: 4 }],
    [
      { min: null, max: null },
      { desired: 1, min: 1, max: 1, autoscale: false, targetInFlight: 4 },
    ],
  ]
  for (const [scale, after] of steps) {
    const outcome = await change(id, scale)
    expect(outcome, JSON.stringify(scale)).toMatchObject({ service: { scale: after } })
  }
})

test.each<[ScaleInput, string]>([
  [{ min: 4, max: 2 }, 'min'],
  [{ min: 6 }, 'min'],
  [{ max: 1 }, 'max'],
  [{ desired: 6, max: 5 }, 'desired'],
  [{ desired: 1, min: 2 }, 'desired'],
  [{ desired: 9, min: 2 }, 'desired'],
  [{ desired: 0 }, 'desired'],
  [{ desired: 301 }, 'desired'],
  [{ min: -1 }, 'min'],
  [{ max: 0 }, 'max'],
  [{ targetInFlight: 0 }, 'targetInFlight'],
])('%j is refused with the path of %s', async (scale, field) => {
  const { id } = await resting()
  const outcome = await change(id, scale)
  expect(outcome).toMatchObject({
    __typename: 'ValidationError',
    issues: [{ path: ['scale', field] }],
  })
})

let kept: Promise<{ id: string }> | undefined
/** One for all, with 2 of 2 to 5, that nothing is done to. */
const resting = () => (kept ??= made({ min: 2, max: 5 }))

test('creating and updating tell where in their input it is wrong', async () => {
  const { createService } = await ask(app.admin, { min: 3, max: 2 }, listener)
  const path = ['backend', 'process', 'scale', 'min']
  expect(createService).toMatchObject({ __typename: 'ValidationError', issues: [{ path }] })
  const { id, versionId } = await made({})
  const update = async (scale: ScaleInput | null) => {
    const input = { id, backend: { process: { versionId, scale } } }
    return (await app.admin.request(UpdateService, { input })).updateService
  }
  expect(await update({ min: 3, max: 2 })).toMatchObject({ issues: [{ path }] })
  expect(await update({ max: 7, autoscale: true })).toMatchObject({ service: { id } })
  const changed = await scaling(app.admin, id)
  expect(changed.scale).toMatchObject({ desired: 1, min: 1, max: 7, autoscale: true })
  expect(changed.events.find(({ kind }) => kind === 'UPDATED')?.changes).toEqual([
    { field: 'max', from: 1, to: 7 },
    { field: 'autoscale', from: false, to: true },
  ])
  await update(null)
  expect((await scaling(app.admin, id)).scale).toMatchObject({ max: 1, autoscale: false })
})

test('only the numbers of a stopped service change, and it keeps them', async () => {
  const { versionId } = await made({})
  const { id } = await seedService(app.admin, versionId)
  await app.admin.request(StopService, { input: { id } })
  await becomes(app.admin, id, 'STOPPED')
  expect(await change(id, { desired: 2, max: 4, autoscale: true })).toMatchObject({
    service: { status: 'STOPPED', scale: { desired: 2, min: 1, max: 4, autoscale: true } },
  })
  const { status, instances, events } = await scaling(app.admin, id)
  expect({ status, instances }).toEqual({ status: 'STOPPED', instances: [] })
  expect(events.at(-1)).toMatchObject({ kind: 'SCALED', actor: { kind: 'TOKEN' } })
})

test('a change that needs no other instances leaves it READY', async () => {
  const { id } = await made({})
  await becomes(app.admin, id, 'READY')
  expect(await change(id, { max: 9 })).toMatchObject({ service: { status: 'READY' } })
  expect(await change(id, { autoscale: true, targetInFlight: 2 })).toMatchObject({
    service: { status: 'READY' },
  })
  expect(await change(id, { min: 2 })).toMatchObject({ service: { status: 'SCALING' } })
  await becomes(app.admin, id, 'READY')
  expect((await scaling(app.admin, id)).ready).toBe(2)
})
