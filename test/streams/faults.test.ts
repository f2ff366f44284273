import { createClient as createSseClient } from 'graphql-sse'
import { createClient as createWsClient } from 'graphql-ws'
import { getNamedType, isCompositeType, type GraphQLCompositeType } from 'graphql'
import { pino } from 'pino'
import { WebSocket } from 'ws'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resumable } from '../../src/client/index.ts'
import { BadRequest, Forbidden, Outage, Unavailable } from '../../src/kit/errors.ts'
import { schema } from '../../src/schema.ts'
import { each } from '../../testkit/each.ts'
import { freshSeed, isSoak, random, someOf } from '../../testkit/random.ts'
import { claimOne, complete, seedQueue, submit } from '../../testkit/seed/jobs.ts'
import {
  injectFault,
  makeFallible,
  nameOf,
  resolversOf,
  type Fault,
  type Resolver,
} from './faults.ts'
import { firstFault } from './follow.ts'
import { eventsOf } from './resume.ts'
import { numbered, streamApp, type StreamApp } from '../../testkit/stream-app.ts'

/** What is followed by one field of Subscription: its arguments, the list of its entries, and how many are stored. */
interface Stream {
  readonly args: string
  readonly entries: string | undefined
  readonly stored: number
}

interface Result {
  readonly data?: Readonly<Record<string, unknown>> | null | undefined
  readonly errors?: readonly unknown[] | undefined
  readonly extensions?: Readonly<Record<string, unknown>> | null | undefined
}

interface Failure {
  readonly message: string
  readonly extensions: Readonly<Record<string, unknown>>
}

/** How a subscription went: what it brought, and the error that it ended with. */
interface Course {
  readonly results: readonly Result[]
  readonly failure: Failure | undefined
}

/** Follows a subscription until `isEnough` or its end. */
type Door = (
  query: string,
  after: string,
  isEnough: (results: readonly Result[]) => boolean,
) => Promise<Course>

const chance = random(freshSeed())

let app: StreamApp
const logged: string[] = []
let streams: Readonly<Record<string, Stream>>

makeFallible(schema)

beforeAll(async () => {
  const log = pino({ level: 'warn' }, { write: (line: string) => logged.push(line) })
  app = await streamApp({ OPERATION_TIMEOUT_SECONDS: '2', OPERATIONS_PER_SECOND: '0' }, log)
  const { admin, database } = app
  const service = await app.service()
  await app.print(service, numbered(5))
  await app.finish(service)
  const queue = await seedQueue(admin)
  const { id: jobId } = await submit(admin, queue)
  const { fence } = await claimOne(admin, queue)
  const job = await database.prisma.job.findFirstOrThrow()
  await app.print({ id: jobId, uuid: job.id }, numbered(5))
  await complete(admin, { jobId, fence }, 1)
  const waiting = await seedQueue(admin)
  await submit(admin, waiting)
  const { revision } = await database.prisma.job.findUniqueOrThrow({ where: { id: job.id } })
  const { revision: ofService } = await database.prisma.service.findUniqueOrThrow({
    where: { id: service.uuid },
  })
  const deployment = await database.prisma.deployment.findFirstOrThrow()
  streams = {
    serviceLogs: { args: `serviceId: "${service.id}"`, entries: 'lines', stored: 5 },
    jobLogs: { args: `jobId: "${jobId}"`, entries: 'lines', stored: 5 },
    jobChanged: { args: `jobId: "${jobId}"`, entries: 'events', stored: Number(revision) },
    jobsChanged: { args: '', entries: 'events', stored: await database.prisma.jobEvent.count() },
    serviceChanged: {
      args: `serviceId: "${service.id}"`,
      entries: 'events',
      stored: Number(ofService),
    },
    deploymentChanged: {
      args: `deploymentId: "${deployment.handle}"`,
      entries: 'events',
      stored: Number(deployment.revision),
    },
    organizationChanged: {
      args: '',
      entries: 'activities',
      stored: await database.prisma.auditEntry.count(),
    },
    jobQueued: { args: `serviceIds: ["${waiting}"]`, entries: undefined, stored: 0 },
  }
})
afterAll(() => app.close())

const asFailure = (error: unknown): Failure => {
  const one: unknown = Array.isArray(error) ? error[0] : error
  if (typeof one !== 'object' || one === null || !('message' in one)) throw new Error(String(one))
  const extensions = 'extensions' in one ? (one.extensions as Failure['extensions']) : {}
  return { message: String(one.message), extensions }
}

interface Subscribing {
  subscribe(
    request: { query: string; variables: Record<string, unknown> },
    sink: { next(result: Result): void; error(error: unknown): void; complete(): void },
  ): () => void
}

const through =
  (open: () => Subscribing & { dispose(): unknown }): Door =>
  async (query, after, isEnough) => {
    const client = open()
    const results: Result[] = []
    const failure = await new Promise<Failure | undefined>((resolve) => {
      const stop = client.subscribe(
        { query, variables: { after } },
        {
          next(result) {
            if (result.errors !== undefined && result.data == null)
              return resolve(asFailure(result.errors))
            results.push(result)
            if (!isEnough(results)) return
            resolve(undefined)
            stop()
          },
          error: (error) => resolve(asFailure(error)),
          complete: () => resolve(undefined),
        },
      )
    })
    await client.dispose()
    return { results, failure }
  }

const doors: Readonly<Record<string, Door>> = {
  'graphql-ws': through(() =>
    resumable(
      createWsClient({
        url: `${app.url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        connectionParams: app.admin.headers,
        retryAttempts: Infinity,
        shouldRetry: () => true,
      }),
    ),
  ),
  'graphql-sse': through(() =>
    resumable(
      createSseClient({
        url: `${app.url}/graphql`,
        headers: app.admin.headers,
        retryAttempts: Infinity,
      }),
    ),
  ),
  /** As an EventSource reads: it keeps the `id:` of what it has had, and no other cursor. */
  async EventSource(query, after, isEnough) {
    const results: Result[] = []
    let lastEventId = after
    const address = new URL(`${app.url}/graphql`)
    address.searchParams.set('query', query)
    address.searchParams.set('variables', JSON.stringify({ after }))
    const response = await fetch(address, {
      headers: { accept: 'text/event-stream', ...app.admin.headers },
    })
    for await (const { id, name, data } of eventsOf(response)) {
      if (name !== 'next') break
      const result = JSON.parse(data) as Result
      lastEventId = id ?? lastEventId
      if (result.errors !== undefined && result.data == null) {
        const { message, extensions } = asFailure(result.errors)
        expect(id).toBeUndefined()
        if ('cursor' in extensions && lastEventId !== 'start')
          expect(extensions['cursor']).toBe(lastEventId)
        return { results, failure: { message, extensions } }
      }
      results.push(result)
      if (isEnough(results)) break
    }
    return { results, failure: undefined }
  },
}

const entriesIn = (field: string, results: readonly Result[]): number[] => {
  const { entries = '' } = streams[field]!
  return results.flatMap(({ data }) => {
    const delivery = data?.[field] as Record<string, readonly { number: number }[]>
    return (delivery[entries] ?? []).map(({ number }) => number)
  })
}

const isAll =
  (field: string, from = 0) =>
  (results: readonly Result[]): boolean => {
    const { entries, stored } = streams[field]!
    return entries === undefined
      ? results.length > 0
      : entriesIn(field, results).length >= stored - from
  }

let count = 0

const typeOf = (field: string): GraphQLCompositeType => {
  const type = getNamedType(schema.getSubscriptionType()!.getFields()[field]!.type)
  if (!isCompositeType(type)) throw new Error(`${field} has no fields`)
  return type
}

/** A document that selects the numbers of the entries and something else, as an operation with a name of its own. */
function operationOf(field: string, { selection }: Pick<Resolver, 'selection'>) {
  const name = `Fault${(count += 1)}`
  const { args, entries } = streams[field]!
  const query =
    entries === undefined
      ? `subscription ${name} { ${field}(${args}) { ${selection} } }`
      : `subscription ${name}($after: String) {
          ${field}(${args} after: $after) { ${entries} { number } ${selection} } }`
  return { name, query }
}

const PLAIN = { selection: '__typename' }

/** Every resolver that a subscription has; of those that several have, one. */
const cases = (): [string, Resolver][] => {
  const known = new Set<string>()
  return Object.keys(streams).flatMap((field) => {
    const root = { ...PLAIN, types: ['Subscription'], field }
    return [root, ...resolversOf(schema, typeOf(field), 2)]
      .filter((one) => {
        const name = one === root ? field : nameOf(one)
        return !known.has(name) && known.add(name)
      })
      .map((one): [string, Resolver] => [field, one])
  })
}

/** In a soak all; in the suite a few of them by chance, fewest through the doors where all that differs is how it is told. */
const chosenFor = (door: string): readonly [string, Resolver][] =>
  someOf(cases(), door === 'graphql-ws' ? 24 : 8, chance)

const fails = (): Promise<never> => Promise.reject(new TypeError('A fault of a test'))
const hangs = (): Promise<never> => new Promise(() => {})

/** How many go on at a time. */
const AT_ONCE = 50

test('every subscription is put to the test', () => {
  expect(Object.keys(streams).toSorted()).toEqual(
    Object.keys(schema.getSubscriptionType()!.getFields()).toSorted(),
  )
})

const passing: Readonly<Record<string, Fault>> = {
  'fails once': (times) => (times === 1 ? fails() : undefined),
  'times out once': (times) => (times === 1 ? hangs() : undefined),
  // more tries than another fault is given
  'is unavailable for six tries': (times) =>
    times <= 6
      ? Promise.reject(new Unavailable('SERVER_STOPPING', 'This server is going away.', 1))
      : undefined,
}

test.each(
  Object.keys(passing).flatMap((fault) => Object.keys(doors).map((door) => [fault, door] as const)),
)('when any resolver %s, %s brings everything once, in order', async (fault, door) => {
  const wrong: string[] = []
  let met = 0
  const chosen = chosenFor(door)
  await each(chosen, AT_ONCE, async ([field, resolver]) => {
    const { name, query } = operationOf(field, resolver)
    const times = injectFault(name, resolver, passing[fault]!)
    const { results, failure } = await doors[door]!(query, 'start', isAll(field))
    const what = `${field} with ${nameOf(resolver)}`
    met += times() > 0 ? 1 : 0
    if (failure !== undefined) wrong.push(`${what} ended: ${failure.message}`)
    const hole = streams[field]!.entries && firstFault(entriesIn(field, results))
    if (hole) wrong.push(`${what}: ${hole}`)
    if (!isAll(field)(results)) wrong.push(`${what}: not all came`)
    for (const { data, errors } of results)
      if (errors !== undefined || data == null) wrong.push(`${what}: ${JSON.stringify(errors)}`)
  })
  expect(wrong).toEqual([])
  expect(met).toBeGreaterThan(isSoak ? chosen.length / 3 : 0)
})

test.each(Object.keys(doors))(
  'when any resolver always fails, %s sees the end, and goes on where that says',
  async (door) => {
    const wrong: string[] = []
    await each(chosenFor(door), AT_ONCE, async ([field, resolver]) => {
      const { name, query } = operationOf(field, resolver)
      const times = injectFault(name, resolver, () => fails())
      const what = `${field} with ${nameOf(resolver)}`
      const { results, failure } = await doors[door]!(query, 'start', isAll(field))
      const { entries } = streams[field]!
      if (times() === 0) {
        if (failure !== undefined) wrong.push(`${what} ended: ${failure.message}`)
        return
      }
      if (failure === undefined) {
        if (!isAll(field)(results)) wrong.push(`${what} did not end`)
        return
      }
      const { code, cursor, requestId } = failure.extensions
      if (code !== 'INTERNAL' || typeof requestId !== 'string')
        wrong.push(`${what}: ${JSON.stringify(failure)}`)
      if (entries === undefined) return
      if (!/entries \d+ to \d+ of the|what follows entry \d+ of the/.test(failure.message))
        wrong.push(`${what}: ${failure.message}`)
      const had = entriesIn(field, results)
      const more = await doors[door]!(
        operationOf(field, PLAIN).query,
        String(cursor),
        isAll(field, had.length),
      )
      const all = [...had, ...entriesIn(field, more.results)]
      const hole =
        firstFault(all) ?? (all.length === streams[field]!.stored ? undefined : 'not all came')
      if (hole) wrong.push(`${what}: ${hole}`)
    })
    expect(wrong).toEqual([])
  },
)

test('a field that is refused is null beside its error, and the subscription goes on with its cursor', async () => {
  const job = { types: ['JobDelivery'], field: 'job', selection: 'job { id }' }
  const { name, query } = operationOf('jobChanged', job)
  injectFault(name, job, () => Promise.reject(new Forbidden('ADMIN')))
  const { results, failure } = await doors['graphql-ws']!(query, 'start', isAll('jobChanged'))
  expect(failure).toBeUndefined()
  expect(firstFault(entriesIn('jobChanged', results))).toBeUndefined()
  for (const one of results)
    expect(one).toMatchObject({
      data: { jobChanged: { job: null } },
      errors: [{ extensions: { code: 'FORBIDDEN' } }],
      extensions: { cursor: expect.any(String) },
    })
})

test('an outage that each field of a delivery meets at each try is noted once', async () => {
  const text = { types: ['LogLine'], field: 'text', selection: 'lines { text }' }
  const { name, query } = operationOf('serviceLogs', text)
  const away = new Outage('database', new Error('The database of a test is away'))
  injectFault(name, text, (times) => (times <= 20 ? Promise.reject(away) : undefined))
  const { failure } = await doors['graphql-ws']!(query, 'start', isAll('serviceLogs'))
  expect(failure).toBeUndefined()
  expect(logged.filter((line) => line.includes('The database of a test is away'))).toHaveLength(1)
})

test('what the caller is to blame for ends the subscription at the first try', async () => {
  const text = { types: ['LogLine'], field: 'text', selection: 'lines { text }' }
  const { name, query } = operationOf('serviceLogs', text)
  const times = injectFault(name, text, () => Promise.reject(new BadRequest('Not this')))
  const { results, failure } = await doors['graphql-ws']!(query, 'start', isAll('serviceLogs'))
  expect(results).toEqual([])
  expect(failure?.extensions).toMatchObject({ code: 'BAD_REQUEST', cursor: expect.any(String) })
  expect(times()).toBeLessThanOrEqual(5) // once for each line
})
