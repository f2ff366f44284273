import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { Prisma } from '../../src/generated/prisma/client.ts'
import type { Database } from '../../src/db/database.ts'
import {
  organizationJobEvents,
  removeOldEvents,
  serviceJobEvents,
  sweepOrphans,
} from '../../src/job-engine/index.ts'
import { OrganizationId } from '../../src/organizations/index.ts'
import { ServiceId } from '../../src/services/index.ts'
import { Client } from '../../testkit/client.ts'
import type {
  JobsAsOfQueryVariables,
  JobsChangedSubscription,
} from '../../testkit/generated/graphql.ts'
import { remove } from '../../testkit/operations/services.ts'
import { JobsChanged } from '../../testkit/operations/streams.ts'
import { claimOne, complete, read, seedQueue, submit, submitMany } from '../../testkit/seed/jobs.ts'
import { seedOrganization, seedToken } from '../../testkit/seed/organizations.ts'
import { streamApp, type StreamApp } from '../../testkit/stream-app.ts'
import { until } from '../../testkit/until.ts'
import { firstFault, follow, type Following } from '../streams/follow.ts'

const AsOf = graphql(`
  query JobsAsOf($serviceIds: [ID!], $organizationId: ID) {
    jobs(filter: { serviceIds: $serviceIds }, organizationId: $organizationId) {
      asOf
      nodes {
        id
        revision
        retries {
          asOf
        }
      }
    }
  }
`)

/* An organization of its own for each test, so that its stream has nothing else. */
let app: StreamApp
beforeAll(async () => {
  app = await streamApp({ OPERATIONS_PER_SECOND: '0' })
})
afterAll(() => app.close())

const organization = () => seedOrganization(app)

const EVERYWHERE: JobsAsOfQueryVariables = {}

type Changes = Following<JobsChangedSubscription>
const deliveries = ({ results }: Changes) =>
  results.map(({ data, errors }) => {
    if (data == null) throw new Error(JSON.stringify(errors))
    return data.jobsChanged
  })
const events = (following: Changes) => deliveries(following).flatMap((one) => one.events)
const numbers = (following: Changes) => events(following).map(({ number }) => number)
const cursorOf = (following: Changes) => deliveries(following).at(-1)?.cursor
const hasEvents = (following: Changes, count: number) =>
  until(() => {
    if (following.over) throw new Error(`Over: ${JSON.stringify(following.error)}`)
    return events(following).length >= count
  })
const doOne = async (client: Client, queue: string) =>
  complete(client, await claimOne(client, queue), 1)

test('all queues of an organization are followed without a hole, those that come and go as well', async () => {
  const { admin } = await organization()
  const [first, gone] = [await seedQueue(admin), await seedQueue(admin)]
  await submitMany(admin, first, [{}, {}])
  const { jobs } = await admin.request(AsOf, EVERYWHERE)
  const following = follow(admin, JobsChanged, { after: jobs.asOf })
  await hasEvents(following, 2)
  const left = await submit(admin, gone)
  const later = await seedQueue(admin)
  await submit(admin, later)
  await doOne(admin, later)
  await doOne(admin, first)
  await remove(admin, gone)
  await sweepOrphans(app.platform)
  await hasEvents(following, 2 + 1 + 3 + 2 + 1)
  following.stop()
  expect(firstFault(numbers(following))).toBeUndefined()
  const last = events(following).find(({ job, kind }) => job?.id === left.id && kind === 'CANCELED')
  expect(last).toBeTruthy()
  const seen = new Set(deliveries(following).flatMap((one) => one.services.map(({ id }) => id)))
  expect(seen).toEqual(new Set([first, gone, later]))
})

test('whoever is cut off resumes at the cursor, and has everything once in one order', async () => {
  const { admin } = await organization()
  const queues = await Promise.all([1, 2, 3].map(() => seedQueue(admin)))
  const [a = '', b = '', c = ''] = queues
  let after: string | undefined = 'start'
  const had: { number: number; job: string | undefined }[] = []
  const writing = Promise.all(
    queues.map(async (queue) => {
      for (let n = 0; n < 15; n += 1) await submitMany(admin, queue, [{}, {}])
    }),
  )
  while (had.length < 90) {
    const following: Changes = follow(admin, JobsChanged, { after })
    await until(() => following.over || events(following).length > 0)
    following.stop()
    after = cursorOf(following) ?? after
    had.push(...events(following).map(({ number, job }) => ({ number, job: job?.id })))
  }
  await writing
  expect(firstFault(had.map(({ number }) => number))).toBeUndefined()
  expect(new Set(had.map(({ job }) => job)).size).toBe(90)
  // a second follower reads the same order, and one of two queues that of theirs
  const again = follow(admin, JobsChanged, { after: 'start' })
  await hasEvents(again, 90)
  expect(events(again).map(({ job }) => job?.id)).toEqual(had.map(({ job }) => job))
  const two = follow(admin, JobsChanged, { serviceIds: [a, c], after: 'start' })
  await hasEvents(two, 60)
  const shown = events(two)
  expect(new Set(shown.map(({ job }) => job?.service.id))).toEqual(new Set([a, c]))
  expect(shown.map(({ number }) => number)).toEqual(
    events(again)
      .filter(({ job }) => job?.service.id !== b)
      .map(({ number }) => number),
  )
  again.stop()
  two.stop()
})

test('several queues begin with their counts, and go on with those that change', async () => {
  const { admin } = await organization()
  const [a, b, other] = [await seedQueue(admin), await seedQueue(admin), await seedQueue(admin)]
  await submit(admin, a)
  const following = follow(admin, JobsChanged, { serviceIds: [a, b, a] })
  await until(() => following.results.length === 1)
  const counts = { queued: 0, running: 0, succeeded: 0, failed: 0, canceled: 0 }
  expect(deliveries(following)[0]?.services).toEqual([
    { id: a, jobCounts: { ...counts, queued: 1 } },
    { id: b, jobCounts: counts },
  ])
  await submit(admin, other)
  await submit(admin, b)
  await hasEvents(following, 1)
  expect(deliveries(following).at(-1)?.services).toEqual([
    { id: b, jobCounts: { ...counts, queued: 1 } },
  ])
  following.stop()
})

test('the cursor of every list leads on from it', async () => {
  const { id: organizationId, admin } = await organization()
  const [a, b] = [await seedQueue(admin), await seedQueue(admin)]
  await submit(admin, a)
  const warm = follow(admin, JobsChanged, {}) // so that there are numbers
  await until(() => warm.results.length === 1)
  warm.stop()
  const places: JobsAsOfQueryVariables[] = [
    {},
    { organizationId },
    { serviceIds: [a, b] },
    { serviceIds: [b] },
  ]
  for (const variables of places) {
    const { jobs } = await admin.request(AsOf, variables)
    const { id } = await submit(admin, b)
    const following = follow(admin, JobsChanged, { ...variables, after: jobs.asOf })
    await hasEvents(following, 1)
    expect(events(following).map(({ job }) => job?.id)).toEqual([id])
    following.stop()
  }
  const { jobs } = await admin.request(AsOf, { serviceIds: [a] })
  const retries = follow(admin, JobsChanged, {
    serviceIds: [a],
    after: jobs.nodes[0]?.retries.asOf,
  })
  await submit(admin, a)
  await hasEvents(retries, 1)
  retries.stop()
})

test('what cannot be followed is refused', async () => {
  const { id: organizationId, admin } = await organization()
  const [a, b] = [await seedQueue(admin), await seedQueue(admin)]
  const foreign = await seedQueue((await organization()).admin)
  const why = async (variables: object, client = admin) => {
    const following = follow(client, JobsChanged, variables)
    await until(() => following.over || following.results.length > 0)
    following.stop()
    const { error, results } = following
    return JSON.stringify(error ?? results[0]?.errors)
  }
  expect(await why({ serviceIds: [] })).toContain('Name 1 to 100 services')
  expect(await why({ serviceIds: Array.from({ length: 101 }, () => a) })).toContain('Name 1 to 100')
  expect(await why({ serviceIds: [a, foreign] })).toContain('NOT_FOUND')
  expect(await why({ serviceIds: [a, foreign] }, app.admin)).toContain('one organization')
  expect(await why({ serviceIds: [foreign], organizationId }, app.admin)).toContain('NOT_FOUND')
  expect(await why({}, app.admin)).toContain('several organizations')
  const ofOne = (await admin.request(AsOf, { serviceIds: [a] })).jobs.asOf
  const ofAll = (await admin.request(AsOf, EVERYWHERE)).jobs.asOf
  expect(await why({ serviceIds: [a, b], after: ofOne })).toContain('BAD_CURSOR')
  expect(await why({ serviceIds: [a], after: ofAll })).toContain('BAD_CURSOR')
  expect((await app.admin.request(AsOf, EVERYWHERE)).jobs.asOf).toBe(null)
  expect((await app.admin.request(AsOf, { serviceIds: [a, foreign] })).jobs.asOf).toBe(null)
  expect((await app.admin.request(AsOf, { serviceIds: [a, b] })).jobs.asOf).not.toBe(null)
})

test('a queue that was deleted is followed to its last event by whoever resumes', async () => {
  const { admin } = await organization()
  const [a, b] = [await seedQueue(admin), await seedQueue(admin)]
  const { id } = await submit(admin, a)
  const { jobs } = await admin.request(AsOf, { serviceIds: [a, b] })
  await remove(admin, a)
  await sweepOrphans(app.platform)
  await until(async () => (await read(admin, id)).status === 'CANCELED')
  for (const serviceIds of [[a, b], [a]]) {
    const after = serviceIds.length > 1 ? jobs.asOf : 'start'
    const following = follow(admin, JobsChanged, { serviceIds, after })
    await hasEvents(following, 2)
    expect(events(following).map(({ kind }) => kind)).toEqual(['QUEUED', 'CANCELED'])
    following.stop()
  }
})

test('a list of a queue that is not there has no cursor that `jobsChanged` would refuse', async () => {
  const { admin } = await organization()
  const [a, gone] = [await seedQueue(admin), await seedQueue(admin)]
  await remove(admin, gone)
  for (const serviceIds of [[a, gone], [gone], ['nowhere'], [a, 'nowhere']])
    expect((await admin.request(AsOf, { serviceIds })).jobs.asOf).toBe(null)
  expect((await admin.request(AsOf, { serviceIds: [a, a] })).jobs.asOf).not.toBe(null)
})

test('events of many that come at once are numbered by few of them, and by few at a time', async () => {
  const { id: organizationId, admin } = await organization()
  const queues = [await seedQueue(admin), await seedQueue(admin)]
  const ids = queues.map((queue) => ServiceId.read(queue) ?? '')
  await app.database.query(Prisma.sql`
    INSERT INTO "JobEvent" ("jobId", number, "serviceId", at, kind, actor, changes)
    SELECT gen_random_uuid(), 1, (${ids}::uuid[])[1 + n % 2], now(), 'QUEUED', '{"kind":"SYSTEM","name":"x"}', '[]'
    FROM generate_series(1, 6000) AS n`)
  let [open, most, longest] = [0, 0, 0]
  const watched: Database = {
    ...app.database,
    pool: app.database.pool,
    query: (...asked) => app.database.query(...asked),
    async transaction(work) {
      most = Math.max(most, (open += 1))
      try {
        const before = await numbered(ids)
        const result = await app.database.transaction(work)
        longest = Math.max(longest, (await numbered(ids)) - before)
        return result
      } finally {
        open -= 1
      }
    },
  }
  const kind = organizationJobEvents(watched)
  const ones = serviceJobEvents(watched)
  const organizationKey = OrganizationId.read(organizationId) ?? ''
  await Promise.all([
    ...[1, 2, 3].map(() => kind.settle?.([organizationKey])),
    ...ids.map((id) => ones.settle?.([id])),
  ])
  expect({ most, numbered: await numbered(ids) }).toEqual({ most: 1, numbered: 6_000 })
  expect(longest).toBeLessThanOrEqual(1_000)
  const following = follow(admin, JobsChanged, { after: 'start' })
  await hasEvents(following, 6_000)
  following.stop()
  expect(firstFault(numbers(following))).toBeUndefined()
})

async function numbered(ids: readonly string[]): Promise<number> {
  const [row] = await app.database.query<{ n: number }>(Prisma.sql`
    SELECT count(*)::int AS n FROM "JobEvent" WHERE "serviceId" = ANY(${[...ids]}::uuid[]) AND place IS NOT NULL`)
  return row?.n ?? 0
}

test('what retention has removed between others is a gap in its place', async () => {
  const { admin } = await organization()
  const [kept, old] = [await seedQueue(admin), await seedQueue(admin)]
  for (const queue of [kept, old, old, kept, old, kept]) {
    await submit(admin, queue)
    const once = follow(admin, JobsChanged, {}) // numbers it before the next
    await until(() => once.results.length === 1)
    once.stop()
  }
  await app.database.query(Prisma.sql`
    UPDATE "JobEvent" SET at = now() - interval '10 years' WHERE "serviceId" = ${ServiceId.read(old)}::uuid`)
  await removeOldEvents(app.platform)
  const following = follow(admin, JobsChanged, { after: 'start' })
  await hasEvents(following, 3)
  following.stop()
  expect(numbers(following)).toEqual([1, 4, 6])
  expect(deliveries(following).flatMap(({ gap }) => gap ?? [])).toEqual([
    { from: 2, to: 3, reason: 'RETENTION' },
    { from: 5, to: 5, reason: 'RETENTION' },
  ])
})

test('a follower of all queues whose rights end sees the end, and no more', async () => {
  const { id: organizationId, admin } = await organization()
  const queue = await seedQueue(admin)
  const { secret, token } = await seedToken(app.admin, organizationId, 'VIEWER')
  const client = new Client(app.url, secret)
  const following = follow(client, JobsChanged, { after: 'start' })
  await submit(admin, queue)
  await hasEvents(following, 1)
  await admin.request(
    graphql(`
      mutation RevokeFollower($id: ID!) {
        revokeToken(input: { id: $id }) {
          __typename
        }
      }
    `),
    { id: token.id },
  )
  await until(() => following.over)
  const before = events(following).length
  await submit(admin, queue)
  expect(events(following)).toHaveLength(before)
})
