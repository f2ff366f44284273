import { once } from 'node:events'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { testFolder, type TestFolder } from '../../testkit/folder.ts'
import { OwnPostgres, postgresPrograms } from '../../testkit/machine/postgres.ts'
import { processesWith } from '../../testkit/machine/processes.ts'
import { CreateDeployment } from '../../testkit/operations/deployments.ts'
import { look, stop } from '../../testkit/operations/services.ts'
import { ServiceLogs } from '../../testkit/operations/streams.ts'
import { amount } from '../../testkit/random.ts'
import { countedIn, dense } from '../../testkit/seed/counted.ts'
import { counter, python } from '../../testkit/seed/programs.ts'
import { becomes, linesOf, runningService } from '../../testkit/seed/services.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'
import { follow } from '../streams/follow.ts'

/*
 * What callers are told while the database is away: that it is, in the form of each door, and in a way that those who
 * follow come back from.
 */
const bin = process.env['TEST_DATABASE_URL'] === undefined ? undefined : await postgresPrograms()
const FOLLOW = 'subscription { organizationChanged { cursor } }'

interface Outage {
  readonly message: string
  readonly extensions: { readonly code: string; readonly requestId: string }
}

const subscribe = (one: WebSocket, id: string, query: string): void =>
  one.send(JSON.stringify({ id, type: 'subscribe', payload: { query } }))
const codeOf = async (one: WebSocket): Promise<number> =>
  ((await once(one, 'close')) as [number])[0]

const said = async (one: WebSocket): Promise<{ type: string; payload: Outage[] }> => {
  const [data] = (await once(one, 'message')) as [Buffer]
  return JSON.parse(data.toString()) as { type: string; payload: Outage[] } // as the protocol has it
}

let postgres: OwnPostgres
let server: TestServer
let folder: TestFolder
beforeAll(async () => {
  if (bin === undefined) return
  postgres = await OwnPostgres.make(bin)
  folder = await testFolder()
  server = new TestServer({ url: postgres.url, dataDir: folder.path }, { LEASE_SECONDS: '4' })
  await server.start()
})
afterAll(async () => {
  if (bin === undefined) return
  await server.end('SIGKILL')
  await postgres.drop()
  await folder.remove()
})

const headers = (): Record<string, string> => server.admin.headers
const ask = (query: string, more: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers(), ...more },
    body: JSON.stringify({ query }),
  })
const open = async (): Promise<WebSocket> => {
  const one = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  await once(one, 'open')
  return one
}
const greet = (one: WebSocket): void =>
  one.send(JSON.stringify({ type: 'connection_init', payload: headers() }))
const acknowledged = async (): Promise<WebSocket> => {
  const one = await open()
  greet(one)
  await said(one)
  return one
}

describe.runIf(bin !== undefined)('while PostgreSQL is away', () => {
  /** Opened while all was well. */
  let socket: WebSocket
  beforeAll(async () => {
    socket = await acknowledged()
    await postgres.kill()
    // what is known of a credential is remembered for a moment
    await until(async () => (await ask('{ __typename }')).status === 503)
  })
  afterAll(() => socket.close())

  test('an operation is answered 503 and UNAVAILABLE, with when to try again and the id that is in the log', async () => {
    for (const type of ['application/json', 'application/graphql-response+json']) {
      const answer = await ask('{ deployments(first: 1) { nodes { id } } }', { accept: type })
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
      const [error] = ((await answer.json()) as { errors: Outage[] }).errors
      expect(error?.extensions).toMatchObject({ code: 'UNAVAILABLE', retryAfterSeconds: 2 })
      expect(error?.message).not.toMatch(/ECONN|postgres:|127\.0\.0\.1/)
      await until(() => server.output.includes(error?.extensions.requestId ?? 'none'))
    }
  })

  // contracts abeja 6 and topchef 4
  test.each([
    ['/abeja/organizations/default/deployments', 'service_unavailable'],
    ['/topchef/services', 'Database Error'],
    ['/deployments/some/services/other', '"code":"UNAVAILABLE"'],
    ['/metrics', '"code":"UNAVAILABLE"'],
  ])('%s answers 503 in its own form', async (path, words) => {
    const answer = await fetch(`${server.url}${path}`, { headers: headers() })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('2')
    expect(await answer.text()).toContain(words)
  })

  test('the server is alive and not ready, and says why', async () => {
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    const ready = await fetch(`${server.url}/readyz`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toEqual({
      status: 'the database does not answer, or takes no writes',
    })
  })

  test('a WebSocket that connects is asked to come back later, and so is one that subscribes', async () => {
    const one = await open()
    const code = codeOf(one)
    greet(one)
    expect(await code).toBe(1013)
    const later = codeOf(socket)
    subscribe(socket, 'query', '{ deployments(first: 1) { nodes { id } } }')
    const { type, payload } = await said(socket)
    expect(type).toBe('error')
    expect(payload[0]?.extensions.code).toBe('UNAVAILABLE')
    await until(() => server.output.includes(payload[0]?.extensions.requestId ?? 'none'))
    subscribe(socket, 'stream', FOLLOW)
    expect(await later).toBe(1013)
  })

  test('an EventSource is let in and sent away without an event, other readers of events are told', async () => {
    const url = `${server.url}/graphql?query=${encodeURIComponent(FOLLOW)}`
    const accept = 'text/event-stream'
    const stream = await fetch(url, {
      headers: { accept, ...headers(), 'last-event-id': 'some.1' },
    })
    expect([stream.status, stream.headers.get('content-type')]).toEqual([200, accept])
    expect(await stream.text()).toMatch(/^retry: \d+\n:[^\n]*\n\n$/)
    const posted = await ask(FOLLOW, { accept })
    expect([posted.status, posted.headers.get('retry-after')]).toEqual([503, '2'])
  })

  test('all goes on once it is back', async () => {
    await postgres.start()
    await until(async () => (await fetch(`${server.url}/readyz`)).ok)
    expect((await ask('{ deployments(first: 1) { nodes { id } } }')).status).toBe(200)
    const again = await acknowledged()
    subscribe(again, 'stream', FOLLOW)
    expect((await said(again)).type).toBe('next')
    again.close()
  })

  test('a storage that is away is told of by what needs it and by /readyz', async () => {
    const [storage, away] = [join(folder.path, 'storage'), join(folder.path, 'away')]
    await rename(storage, away)
    await until(async () => (await fetch(`${server.url}/readyz`)).status === 503)
    expect(await (await fetch(`${server.url}/readyz`)).json()).toEqual({
      status: 'the storage takes no writes',
    })
    await rename(away, storage)
    await until(async () => (await fetch(`${server.url}/readyz`)).ok)
  })
})

/*
 * Whoever follows goes on where they were, what a service printed meanwhile is kept and written down, and a mutation
 * that failed can be sent again with its key.
 */
describe.runIf(bin !== undefined)('when PostgreSQL comes back', () => {
  test('no line is lost, repeated or out of order, for the table or for who follows', async () => {
    const service = await runningService(server.admin, counter.files)
    const following = follow(server.admin, ServiceLogs, { serviceId: service.id })
    const numbers = (): number[] =>
      following.results.flatMap(({ data }) =>
        (data?.serviceLogs.lines ?? []).map(({ number }) => number),
      )
    const more = async (): Promise<void> => {
      const before = numbers().length
      await until(() => numbers().length > before + 50)
    }
    for (let round = 0; round < amount({ share: 2, whole: 3 }); round += 1) {
      await more()
      await postgres.kill()
      await until(async () => (await fetch(`${server.url}/readyz`)).status === 503)
      await postgres.start()
    }
    await more()
    await stop(server.admin, service.id)
    await becomes(server.admin, service.id, 'STOPPED')
    const lines = await linesOf(server.admin, service.id)
    await until(() => numbers().at(-1) === lines.length)
    expect(following.over).toBe(false)
    following.stop()
    expect(lines.map(({ number }) => number)).toEqual(dense(lines.length))
    const [first = 0] = numbers()
    expect(numbers()).toEqual(dense(lines.length).slice(first - 1))
    for (const counted of countedIn(lines).values()) expect(counted).toEqual(dense(counted.length))
  })

  test('a mutation that failed meanwhile is done once when it is sent again with its key', async () => {
    await postgres.kill()
    const input = { name: 'made once', idempotencyKey: 'the-key-of-the-outage' }
    const failed = await server.admin.execute(CreateDeployment, { input })
    expect(failed.errors).toHaveLength(1)
    expect(failed.errors?.[0]?.message).not.toMatch(/ECONN|postgres|connect/i)
    await postgres.start()
    await until(async () => (await fetch(`${server.url}/readyz`)).ok)
    const ids = new Set<string>()
    for (let n = 0; n < 3; n += 1) {
      const { createDeployment } = await server.admin.request(CreateDeployment, { input })
      if (createDeployment.__typename !== 'CreateDeploymentSuccess')
        throw new Error(JSON.stringify(createDeployment))
      ids.add(createDeployment.deployment.id)
    }
    expect(ids.size).toBe(1)
  })

  test('a service whose server had to give it up is not READY until it is started again', async () => {
    const { id } = await runningService(server.admin, python.files)
    const before = (await look(server.admin, id))?.revision ?? 0
    await postgres.kill()
    await until(async () => (await processesWith(id)).length === 0)
    await postgres.start()
    const since = async () => {
      const service = await look(server.admin, id).catch(() => null)
      return (service?.events.nodes ?? []).filter(({ number }) => number > before)
    }
    await until(async () => (await since()).some(({ kind }) => kind === 'INSTANCE_STARTED'))
    await becomes(server.admin, id, 'READY')
    const told = (await since()).filter(
      ({ kind }) => kind === 'STATUS_CHANGED' || kind === 'INSTANCE_STARTED',
    )
    expect(told.map(({ kind, message }) => message ?? kind)).toEqual([
      'The server that ran it has ended or was cut off; its instances are being started.',
      expect.stringContaining('version '),
      'STATUS_CHANGED',
    ])
  })
})
