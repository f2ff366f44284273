import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import type { MovesFollowSubscription } from '../../testkit/generated/graphql.ts'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import {
  DeleteService,
  details,
  RestartService,
  RollBack,
  ScaleService,
  StartService,
  StopService,
  UpdateService,
} from '../../testkit/operations/services.ts'
import { isRoot, squat, SQUATTER } from '../../testkit/machine/squatter.ts'
import { amount, freshSeed } from '../../testkit/random.ts'
import { seed } from '../../testkit/seed/chain.ts'
import { listener } from '../../testkit/seed/programs.ts'
import { becomes, logOf, runningService, seedService } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

const { files, command } = listener

/** The moves that the states of a service allow, as its users know them. */
const legal: Record<string, readonly string[]> = {
  STARTING: ['READY', 'FAILED', 'STOPPING'],
  READY: ['SCALING', 'FAILED', 'STOPPING'],
  SCALING: ['READY', 'FAILED', 'STOPPING'],
  STOPPING: ['STOPPED', 'STARTING'],
  STOPPED: ['STARTING'],
  FAILED: ['STARTING'],
}

const Follow = graphql(`
  subscription MovesFollow($id: ID!) {
    serviceChanged(serviceId: $id, after: "start") {
      end {
        lastNumber
      }
      events {
        number
        kind
        changes {
          field
          from
          to
        }
      }
    }
  }
`)

/** Follows a service from its creation until all of it is gone: its last state. */
async function lastDays(id: string): Promise<string> {
  const socket = app.admin.socket()
  const events: Event[] = []
  const follow = { query: Follow.toString(), variables: { id } }
  try {
    for await (const { data } of socket.iterate<MovesFollowSubscription>(follow))
      events.push(...(data?.serviceChanged.events ?? []))
  } finally {
    await socket.dispose()
  }
  return pathOf(events).at(-1) ?? ''
}

type Event = MovesFollowSubscription['serviceChanged']['events'][number]

/** The states a service went through; throws where two of them do not follow on another. */
function pathOf(events: readonly Event[]): string[] {
  const path = ['STARTING']
  for (const { kind, number, changes } of events)
    for (const { field, from, to } of kind === 'CREATED' ? [] : changes) {
      if (field !== 'status') continue
      if (from !== path.at(-1) || !legal[String(from)]?.includes(String(to)))
        throw new Error(
          `Event ${number} moves ${String(from)} → ${String(to)} after ${path.join(' → ')}`,
        )
      path.push(String(to))
    }
  return path
}

async function journey(id: string): Promise<string[]> {
  const { events, status } = await details(app.admin, id)
  const path = pathOf(events.nodes)
  if (path.at(-1) !== status) throw new Error(`It is ${status} after ${path.join(' → ')}`)
  return path
}

test('starting what runs and stopping what rests answer the state and where it would be allowed', async () => {
  const { id } = await runningService(app.admin, files, { command })
  const { startService } = await app.admin.request(StartService, { input: { id } })
  expect(startService).toMatchObject({
    __typename: 'WrongState',
    code: 'WRONG_STATE',
    state: 'READY',
    allowed: expect.arrayContaining(['STOPPED', 'STOPPING', 'FAILED']),
  })
  await app.admin.request(StopService, { input: { id } })
  await becomes(app.admin, id, 'STOPPED')
  for (const operation of [StopService, RestartService] as const) {
    const outcome = Object.values(
      await app.admin.request<object, { input: { id: string } }>(operation, { input: { id } }),
    )
    expect(outcome).toEqual([
      expect.objectContaining({
        __typename: 'WrongState',
        state: 'STOPPED',
        allowed: expect.arrayContaining(['READY']),
      }),
    ])
  }
})

const portsIn = (log: string): string[] =>
  [...log.matchAll(/^on (\d+)$/gm)].map(([, port = '']) => port)

test('a service whose port another user takes is not READY, and starts again with another', async () => {
  const command = 'echo "on $PORT"; exec sleep 600'
  const { id } = await seed(app.admin).deployment().version(files, { command }).service().made()
  const ports = async () => portsIn(await logOf(app.admin, id))
  await until(async () => (await ports()).length === 1)
  const [port = ''] = await ports()
  const leave = await squat(Number(port))
  if (isRoot && process.platform === 'linux') {
    await until(async () => (await ports()).length === 2)
    expect(new Set(await ports()).size).toBe(2)
    expect(await logOf(app.admin, id)).toContain(
      `instance 0 was ended: another user of the machine (number ${SQUATTER}) listens on its port ${port}; starting it again in 0.5 s`,
    )
    const { events } = await details(app.admin, id)
    expect(JSON.stringify(events)).not.toContain('"to":"READY"')
  } else await becomes(app.admin, id, 'READY') // it is no other user
  await leave()
  await app.admin.request(DeleteService, { input: { id } })
})

test('of starts and stops at the same moment exactly one succeeds', async () => {
  const { id } = await runningService(app.admin, files, { command })
  for (let round = 0; round < 3; round += 1) {
    const stops = await Promise.all(
      Array.from({ length: 5 }, () => app.admin.request(StopService, { input: { id } })),
    )
    expect(stops.map(({ stopService }) => stopService.__typename).toSorted()).toEqual([
      'StopServiceSuccess',
      ...Array.from({ length: 4 }, () => 'WrongState'),
    ])
    const starts = await Promise.all(
      Array.from({ length: 5 }, () => app.admin.request(StartService, { input: { id } })),
    )
    expect(starts.map(({ startService }) => startService.__typename).toSorted()).toEqual([
      'StartServiceSuccess',
      ...Array.from({ length: 4 }, () => 'WrongState'),
    ])
  }
  await becomes(app.admin, id, 'READY')
  expect((await journey(id)).filter((state) => state === 'STOPPING')).toHaveLength(3)
})

type Step = 'start' | 'stop' | 'scale 1' | 'scale 2' | 'restart' | 'environment' | 'back' | 'pause'
const steps = fc.constantFrom<Step>(
  'start',
  'stop',
  'scale 1',
  'scale 2',
  'restart',
  'environment',
  'back',
  'pause',
)

test('whatever several clients do at once, a service only moves as its states allow', async () => {
  const { deploymentId, versionIds: versions } = await seed(app.admin)
    .deployment()
    .version(files, { command })
    .version(files, { command })
    .made()
  const scripts = fc.array(fc.array(steps, { minLength: 2, maxLength: 8 }), {
    minLength: 3,
    maxLength: 3,
  })
  let n = 0
  const perform = (id: string, step: Step): Promise<unknown> => {
    n += 1
    const versionId = versions[n % 2] ?? ''
    switch (step) {
      case 'start':
        return app.admin.request(StartService, { input: { id } })
      case 'stop':
        return app.admin.request(StopService, { input: { id } })
      case 'scale 1':
        return app.admin.request(ScaleService, { input: { id, scale: { desired: 1 } } })
      case 'scale 2':
        return app.admin.request(ScaleService, { input: { id, scale: { desired: 2 } } })
      case 'restart':
        return app.admin.request(RestartService, { input: { id } })
      case 'environment': {
        const environment = [{ name: 'N', value: String(n) }]
        return app.admin.request(UpdateService, {
          input: { id, backend: { process: { versionId, environment } } },
        })
      }
      case 'back':
        return app.admin.request(RollBack, {
          input: { deploymentId, versionId, serviceIds: [id] },
        })
      case 'pause':
        return new Promise((resolve) => setTimeout(resolve, 150))
    }
  }
  await fc.assert(
    fc.asyncProperty(scripts, async (clients) => {
      const { id } = await seedService(app.admin, versions[0] ?? '')
      await Promise.all(
        clients.map(async (script) => {
          for (const step of script) await perform(id, step)
        }),
      )
      await until(async () => /READY|STOPPED/.test((await details(app.admin, id)).status))
      await journey(id)
      const { status, instances, targetVersion } = await details(app.admin, id)
      expect(targetVersion).toBe(null)
      if (status === 'STOPPED') expect(instances).toEqual([])
      const gone = lastDays(id)
      await Promise.all([
        app.admin.request(RestartService, { input: { id } }),
        app.admin.request(ScaleService, { input: { id, scale: { desired: 3 } } }),
        app.admin.request(StopService, { input: { id } }),
        app.admin.request(DeleteService, { input: { id } }),
      ])
      expect(await gone).toMatch(/STOPPED|FAILED/)
    }),
    { numRuns: amount({ share: 2, whole: 40 }), seed: freshSeed(), endOnFailure: true },
  )
})
