import { afterAll, beforeAll, expect, test } from 'vitest'
import { Pool } from 'pg'
import { graphql } from '../../testkit/generated/index.ts'
import { Outputs } from '../../src/services/process/reconciler/outputs.ts'
import { OrganizationId } from '../../src/organizations/index.ts'
import { act, AUDIT } from '../../src/streams/index.ts'
import { amount, freshSeed, random } from '../../testkit/random.ts'
import { seedDeployment } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'
import { deliveriesOf, firstFault, follow, followLog, linesOf, pageForward } from './follow.ts'
import { numbered, streamApp, type StreamApp } from '../../testkit/stream-app.ts'

const Activities = graphql(`
  subscription StreamsActivities($after: String) {
    organizationChanged(after: $after) {
      activities {
        number
        at
        action
      }
      gap {
        from
      }
    }
  }
`)

const ActivityPage = graphql(`
  query StreamsActivityPage($newerThan: String) {
    activity(last: 1000, before: $newerThan) {
      nodes {
        number
        at
        action
      }
      pageInfo {
        startCursor
      }
    }
  }
`)

const WRITERS = 50
const ACTS = amount({ share: 4, whole: 8 })
/** Of each instance. */
const PRINTED = amount({ share: 80, whole: 200 })

let app: StreamApp
beforeAll(async () => {
  app = await streamApp()
})
afterAll(() => app.close())

interface Activity {
  readonly number: number
  readonly at: string
  readonly action: string
}

/** Reads on by pages, as somebody without a subscription does, until told to stop. */
function pageOn(): { readonly seen: Activity[]; stop(): Promise<void> } {
  const seen: Activity[] = []
  const over = new AbortController()
  let newerThan = 'start'
  const read = async (): Promise<void> => {
    const { activity } = await app.admin.request(ActivityPage, { newerThan })
    seen.push(...activity.nodes.toReversed())
    newerThan = activity.pageInfo.startCursor ?? newerThan
  }
  const reading = (async () => {
    while (!over.signal.aborted) await read()
  })()
  return {
    seen,
    async stop() {
      over.abort()
      await reading
      await read()
    },
  }
}

test('fifty writers who commit in any order leave no hole, no repetition and no other order to any reader', async () => {
  const seed = freshSeed()
  const chance = random(seed)
  const { id: organizationId } = await app.database.prisma.organization.findFirstOrThrow()
  const followers = Array.from({ length: 5 }, () =>
    follow(app.admin, Activities, { after: 'start' }),
  )
  const pagers = [pageOn(), pageOn()]

  // a server lets fifty transactions be open at once; the embedded one lets them take turns
  const isServer = app.database.kind === 'server'
  const pool = isServer
    ? new Pool({ connectionString: app.config.databaseUrl, max: WRITERS })
    : app.database.pool
  const actor = { kind: 'SYSTEM', name: 'test' } as const
  const write = async (writer: number): Promise<void> => {
    for (let turn = 0; turn < ACTS; turn += 1) {
      const client = await pool.connect()
      try {
        await client.query('BEGIN')
        for (const part of ['first', 'second']) {
          const { text, values } = act(organizationId, actor, `${writer}.${turn}.${part}`, {
            kind: OrganizationId,
            id: organizationId,
          })
          await client.query(text, values)
          await new Promise((resolve) => setTimeout(resolve, chance() * (isServer ? 60 : 2)))
        }
        await client.query('COMMIT')
      } finally {
        client.release()
      }
      app.hub.hint(AUDIT, organizationId)
      if (turn % 4 === 0) await seedDeployment(app.admin)
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)))
  if (pool !== app.database.pool) await pool.end()
  for (const pager of pagers) await pager.stop()

  const all = pagers[0]?.seen ?? []
  const seenBy = ({ results }: (typeof followers)[number]): readonly Activity[] =>
    results.flatMap(({ data }) => data?.organizationChanged.activities ?? [])
  await until(() => followers.every((follower) => seenBy(follower).length >= all.length))
  for (const follower of followers) follower.stop()
  expect(firstFault(all.map(({ number }) => number))).toBeUndefined()
  for (const seen of [...pagers.map((pager) => pager.seen), ...followers.map(seenBy)])
    expect(seen).toEqual(all)
  for (const { results } of followers)
    expect(results.some(({ data }) => data?.organizationChanged.gap)).toBe(false)
  // nothing is missing, and what one transaction wrote first comes first
  const actions = all.map(({ action }) => action)
  expect(actions.filter((action) => action === 'createDeployment')).toHaveLength(
    WRITERS * (ACTS / 4),
  )
  for (let writer = 0; writer < WRITERS; writer += 1)
    expect(actions.filter((action) => action.startsWith(`${writer}.`))).toEqual(
      Array.from(
        { length: ACTS * 2 },
        (_, i) => `${writer}.${i >> 1}.${i % 2 ? 'second' : 'first'}`,
      ),
    )
  const times = all.map(({ at }) => at)
  expect(times).toEqual(times.toSorted())
})

test('many instances that print at once make one dense log, each in its own order', async () => {
  const service = await app.service()
  const followers = Array.from({ length: 5 }, () =>
    followLog(app.admin, { serviceId: service.id, after: 'start' }),
  )
  const instances = 20
  const print = async (instance: number): Promise<void> => {
    for (let from = 1; from <= PRINTED; from += 8)
      await app.print(service, numbered(8, 'line', from), instance)
  }
  await Promise.all(Array.from({ length: instances }, (_, instance) => print(instance)))
  const log = await pageForward(app.admin, service.id)
  await until(() => followers.every((follower) => linesOf(follower).length >= log.length))
  for (const follower of followers) follower.stop()

  expect(log).toHaveLength(instances * PRINTED)
  expect(firstFault(log.map(({ number }) => number))).toBeUndefined()
  for (const follower of followers) {
    expect(linesOf(follower)).toEqual(log)
    expect(deliveriesOf(follower).some(({ gap }) => gap)).toBe(false)
  }
  for (let instance = 0; instance < instances; instance += 1)
    expect(log.filter((line) => line.instance === instance).map(({ text }) => text)).toEqual(
      numbered(PRINTED),
    )
  const times = log.map(({ at }) => at)
  expect(times).toEqual(times.toSorted())
})

/** Five lines of a process that has ended, which are read without a break, or with one when the disk fails in between. */
async function printed({ failsAfter }: { readonly failsAfter?: number } = {}) {
  const { uuid: serviceId, id } = await app.service()
  const { prisma } = app.database
  const instanceId = crypto.randomUUID()
  await prisma.instance.create({
    data: {
      id: instanceId,
      serviceId,
      versionId: (await prisma.deploymentVersion.findFirstOrThrow()).id,
      ordinal: 0,
      generation: 1,
      status: 'EXITED',
      serverId: app.platform.server.id,
    },
  })
  let isDiscarded = false
  let reads = 0
  const source = {
    async *output(from: string) {
      reads += 1
      for (let next = Number(from) + 1; next <= 5; next += 1) {
        yield { lines: [{ source: 'STDOUT' as const, text: `${next}` }], position: `${next}` }
        if (next === failsAfter && reads === 1)
          throw Object.assign(new Error('too many open files'), { code: 'EMFILE' })
      }
    },
    discard: () => Promise.resolve(void (isDiscarded = true)),
  }
  return {
    owner: { id, uuid: serviceId },
    store: async (): Promise<string[]> => {
      const outputs = new Outputs(app.platform)
      outputs.readOn({ serviceId, instanceId, restarts: 0, ordinal: 0 }, source, '')
      await outputs.allStored()
      expect(isDiscarded).toBe(true)
      const where = { stream: serviceId }
      const lines = await prisma.logLine.findMany({ where, orderBy: { number: 'asc' } })
      return lines.map(({ text }) => text)
    },
  }
}

test('what a process prints is read on when the disk fails in between, and each line is stored once', async () => {
  const { store } = await printed({ failsAfter: 3 })
  expect(await store()).toEqual(['1', '2', '3', '4', '5'])
})

test('nothing is stored behind the end of a log, such as what a server that was away has left', async () => {
  const { owner, store } = await printed()
  await app.print(owner, ['the last line'])
  await app.finish(owner)
  expect(await store()).toEqual(['the last line'])
})
