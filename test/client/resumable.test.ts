import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createClient as createSseClient } from 'graphql-sse'
import { createClient as createWsClient, type Client as WsClient } from 'graphql-ws'
import { WebSocket, WebSocketServer } from 'ws'
import { afterAll, beforeAll, expect, expectTypeOf, it } from 'vitest'
import { resumable } from '../../src/client/index.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { cutter } from '../../testkit/network/cutter.ts'
import { runningService } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'

/** Prints thousands of lines at once, then goes on, one every few milliseconds. */
const source = `
for (let n = 0; n < 5000; n += 1) console.log('at once ' + n)
let n = 0
setInterval(() => console.log('later ' + (n += 1)), 2)
export const handler = () => new Response('')`

const WANTED = 7_000
const query = `subscription ($service: ID!, $after: String) {
  serviceLogs(serviceId: $service, after: $after) { lines { number text } }
}`

interface Data {
  readonly serviceLogs: { readonly lines: readonly { number: number; text: string }[] }
}
type Line = Data['serviceLogs']['lines'][number]

let app: TestApp
let service: string

beforeAll(async () => {
  app = await testApp()
  service = (await runningService(app.admin, { 'main.mjs': source }, { image: 'node' })).id
}, 60_000)
afterAll(() => app.close())

const soon = async (): Promise<void> => {}

const wsClient = (url: string): WsClient =>
  createWsClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: app.admin.headers,
    retryAttempts: Infinity,
    retryWait: soon,
    shouldRetry: () => true,
  })

const sseClient = (url: string) =>
  createSseClient({
    url: `${url}/graphql`,
    headers: app.admin.headers,
    retryAttempts: Infinity,
    retry: soon,
  })

interface Results {
  readonly data?: Data | null | undefined
  readonly errors?: unknown
}

interface Subscribing {
  subscribe(
    request: { query: string; variables: Record<string, unknown> },
    sink: { next(result: Results): void; error(error: unknown): void; complete(): void },
  ): () => void
}

/** The lines that a subscription brings, up to the wanted number of them. */
function linesBy(client: Subscribing): Promise<Line[]> {
  const lines: Line[] = []
  return new Promise((resolve, reject) => {
    const stop = client.subscribe(
      { query, variables: { service, after: 'start' } },
      {
        next({ data, errors }) {
          if (errors !== undefined) reject(new Error(JSON.stringify(errors)))
          lines.push(...(data?.serviceLogs.lines ?? []))
          if (lines.length < WANTED) return
          stop()
          resolve(lines.slice(0, WANTED))
        },
        error: reject,
        complete: () => resolve(lines),
      },
    )
  })
}

async function linesOf(results: AsyncIterableIterator<Results>): Promise<Line[]> {
  const lines: Line[] = []
  for await (const { data, errors } of results) {
    if (errors !== undefined) throw new Error(JSON.stringify(errors))
    lines.push(...(data?.serviceLogs.lines ?? []))
    if (lines.length >= WANTED) break
  }
  return lines.slice(0, WANTED)
}

const request = () => ({ query, variables: { service, after: 'start' } })

it.each([
  ['graphql-ws, subscribed', (url: string) => linesBy(resumable(wsClient(url)))],
  [
    'graphql-ws, iterated',
    (url: string) => linesOf(resumable(wsClient(url)).iterate<Data>(request())),
  ],
  ['graphql-sse, subscribed', (url: string) => linesBy(resumable(sseClient(url)))],
  [
    'graphql-sse, iterated',
    (url: string) => linesOf(resumable(sseClient(url)).iterate<Data>(request())),
  ],
])(
  '%s, brings every line once over a connection that is cut again and again',
  async (_name, follow) => {
    const uncut = linesBy(wsClient(app.url))
    const way = await cutter(app.url)
    try {
      const lines = await follow(way.url)
      expect(lines.map(({ number }) => number)).toEqual(lines.map((_, index) => index + 1))
      expect(lines).toEqual(await uncut)
      expect(way.cuts).toBeGreaterThan(10)
    } finally {
      await way.close()
    }
  },
  90_000,
)

it('without it the same cuts bring lines again: the test can tell', async () => {
  const way = await cutter(app.url)
  try {
    const lines = await linesBy(wsClient(way.url))
    expect(new Set(lines.map(({ number }) => number)).size).toBeLessThan(lines.length)
  } finally {
    await way.close()
  }
}, 90_000)

it('what the client can otherwise do stays, and so do its types', () => {
  const plain = wsClient(app.url)
  const client = resumable(plain)
  const replaced = { subscribe: undefined, iterate: undefined, dispose: undefined }
  expect({ ...client, ...replaced }).toEqual({ ...plain, ...replaced })
  expectTypeOf(client).toEqualTypeOf(plain)
})

it('a query keeps its own `after`, and variables without one get none', () => {
  const sent: unknown[] = []
  const client = resumable({
    subscribe(payload: object, sink: { next(result: object): void }) {
      sent.push(JSON.parse(JSON.stringify(payload)))
      sink.next({ data: {} })
      sent.push(JSON.parse(JSON.stringify(payload)))
      return () => {}
    },
  })
  const sink = { next: () => {}, error: () => {}, complete: () => {} }
  client.subscribe({ query: 'a', variables: { after: 'x' } }, sink)
  client.subscribe({ query: 'b', variables: { id: 1 } }, sink)
  client.subscribe({ query: 'c' }, sink)
  expect(sent).toEqual([
    { query: 'a', variables: { after: 'x' } },
    { query: 'a', variables: { after: 'x' } },
    { query: 'b', variables: { id: 1 } },
    { query: 'b', variables: { id: 1 } },
    { query: 'c', variables: {} },
    { query: 'c', variables: {} },
  ])
})

it('stopped from within its last delivery, it leaves no connection behind', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      const { type, id } = JSON.parse((data as Buffer).toString()) as { type: string; id: string }
      if (type === 'connection_init') socket.send(JSON.stringify({ type: 'connection_ack' }))
      if (type !== 'subscribe') return
      // the last delivery and the end arrive as one piece
      socket.send(JSON.stringify({ type: 'next', id, payload: { data: {} } }))
      socket.send(JSON.stringify({ type: 'complete', id }))
    })
  })
  const { port } = server.address() as AddressInfo // a TCP server has one
  let isClosed = false
  const url = `ws://127.0.0.1:${port}`
  const on = { closed: () => (isClosed = true) }
  const client = resumable(createWsClient({ url, webSocketImpl: WebSocket, on }))
  try {
    const stop = client.subscribe(
      { query: 'subscription { a }' },
      { next: () => stop(), error: () => {}, complete: () => {} },
    )
    await until(() => isClosed)
  } finally {
    for (const socket of server.clients) socket.terminate()
    server.close()
  }
})
