import { once } from 'node:events'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { testFolder } from '../../testkit/folder.ts'
import { OwnPostgres, postgresPrograms } from '../../testkit/machine/postgres.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'

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

describe.runIf(bin !== undefined)('while PostgreSQL is away', () => {
  let postgres: OwnPostgres
  let server: TestServer
  let folder: Awaited<ReturnType<typeof testFolder>>
  /** Opened while all was well. */
  let socket: WebSocket
  beforeAll(async () => {
    postgres = await OwnPostgres.make(bin ?? '')
    folder = await testFolder()
    server = new TestServer({ url: postgres.url, dataDir: folder.path })
    await server.start()
    socket = await acknowledged()
    await postgres.kill()
    // what is known of a credential is remembered for a moment
    await until(async () => (await ask('{ __typename }')).status === 503)
  }, 90_000)
  afterAll(async () => {
    socket.close()
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

  test.each([
    ['/abeja/organizations/default/deployments', 'service_unavailable'],
    ['/topchef/services', 'Database Error'],
    ['/deployments/some/services/other', 'service_unavailable'],
    ['/metrics', 'service_unavailable'],
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
    await until(async () => (await fetch(`${server.url}/readyz`)).ok, { timeoutMs: 30_000 })
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
