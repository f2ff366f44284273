import { createClient as createStreamClient, type Client as StreamClient } from 'graphql-sse'
import { createClient as createSocketClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest'
import { persistent, resumable, type Sink, type SubscribeRequest } from '../../src/client/index.ts'
import { until } from '../../testkit/until.ts'
import {
  delivery,
  errorOf,
  eventOf,
  openStream,
  socketStandIn,
  streamStandIn,
  type SocketAnswer,
  type StandIn,
  type StreamAnswer,
} from './stand-ins.ts'

/*
 * A stream of numbers whose server is in every kind of trouble: what comes is 1, 2, 3 … each once, or the end is seen,
 * with where to go on.
 */
const PATIENT = { timeoutMs: 50_000 }
const query = 'subscription ($after: String) { n(after: $after) }'

const undo: (() => unknown)[] = []
afterEach(() => {
  for (const one of undo.splice(0)) one()
})

async function met<One extends StandIn>(server: Promise<One>): Promise<One> {
  const standIn = await server
  undo.push(() => standIn.close())
  return standIn
}

const overSocket = ({ url }: StandIn) =>
  resumable(persistent(createSocketClient, { url, webSocketImpl: WebSocket }))
const overStream = ({ url }: StandIn) => resumable(persistent(createStreamClient, { url }))

interface Subscribing {
  subscribe(request: SubscribeRequest & { query: string }, sink: Sink<unknown>): () => void
}

/** What comes of a subscription. */
function following(client: Subscribing, text = query) {
  const state = {
    results: [] as unknown[],
    error: undefined as unknown,
    isComplete: false,
    stop: (): void => {},
  }
  state.stop = client.subscribe(
    { query: text },
    {
      next: (result) => state.results.push(result),
      error: (error) => (state.error = error),
      complete: () => (state.isComplete = true),
    },
  )
  undo.push(state.stop)
  return state
}

/** Sends one number, and what comes then. */
const one =
  (then: SocketAnswer = () => {}): SocketAnswer =>
  (send, asked, socket) => {
    send('next', delivery(asked.after + 1))
    then(send, asked, socket)
  }
const last = one((send) => send('complete'))
const skipping =
  (result: object): SocketAnswer =>
  (send) => {
    send('next', result)
    send('next', delivery(3))
  }
const failing =
  (code: string, more?: object): SocketAnswer =>
  (send) =>
    send('error', [errorOf(code, more)])

const number: StreamAnswer = (response, { after }) =>
  openStream(response).end(eventOf('next', delivery(after + 1)))
/** One event and what comes then, of which neither lies in a queue of ours. */
const brief = (event: string, how: string): ReadableStream<Uint8Array> =>
  new ReadableStream(
    {
      start: (stream) => stream.enqueue(new TextEncoder().encode(event)),
      pull: (stream) =>
        how === 'ends' ? stream.close() : stream.error(new TypeError('terminated')),
    },
    { highWaterMark: 0 },
  )
/** A delivery that there should have been. */
const failed = (code: string): object => delivery(2, { data: null, errors: [errorOf(code)] })

describe('over WebSocket', () => {
  it.concurrent.each([1001, 1006, 1011, 1012, 1013, 4500])(
    'closed with %i, while a connection or a subscription begins and later, the stream goes on behind what has come',
    async (code) => {
      const close = (socket: WebSocket): void =>
        code === 1006 ? socket.terminate() : socket.close(code)
      const end: SocketAnswer = (_send, _asked, socket) => close(socket)
      const server = await socketStandIn([end, one(end), one(end), last], [close])
      const client = overSocket(server)
      const results: unknown[] = []
      for await (const result of client.iterate({ query })) results.push(result)
      expect(results).toEqual([1, 2, 3].map((n) => delivery(n)))
      expect(server.asked.map(({ after }) => after)).toEqual([0, 0, 1, 2])
      server.close()
    },
  )

  it('an error that passes is waited out, when a stream begins as later', async () => {
    const server = await met(
      socketStandIn([
        failing('UNAVAILABLE'),
        one(failing('TIMEOUT')),
        failing('UNAVAILABLE'),
        last,
      ]),
    )
    const state = following(overSocket(server))
    await until(() => state.isComplete, PATIENT)
    expect(state.results).toEqual([delivery(1), delivery(2)])
    expect(server.connections).toBeGreaterThan(0)
  })

  it('a delivery that failed is asked for again, and the one behind it is not taken', async () => {
    const half = delivery(2, { data: { n: null }, errors: [errorOf('TIMEOUT')] })
    const server = await met(
      socketStandIn([one(skipping(failed('UNAVAILABLE'))), skipping(half), last]),
    )
    const state = following(overSocket(server))
    await until(() => state.isComplete, PATIENT)
    expect(state.results).toEqual([delivery(1), delivery(2)])
  })

  it.each([
    ['an error of another kind', failing('INTERNAL', { requestId: 'r' })],
    [
      'a delivery that failed for another reason',
      (send) =>
        send(
          'next',
          delivery(2, { data: null, errors: [errorOf('INTERNAL', { requestId: 'r' })] }),
        ),
    ],
  ] satisfies [string, SocketAnswer][])(
    '%s ends the stream, and says where to go on',
    async (_what, ending) => {
      const server = await met(socketStandIn([one(ending)]))
      const state = following(overSocket(server))
      await until(() => state.error !== undefined, PATIENT)
      expect(state.error).toEqual([errorOf('INTERNAL', { requestId: 'r', cursor: '1' })])
      expect(state.results).toEqual([delivery(1)])
      expect(state.isComplete).toBe(false)
    },
  )

  it('iterated, it throws the error behind all that has come', async () => {
    const server = await met(socketStandIn([one(failing('INTERNAL'))]))
    const results = overSocket(server).iterate({ query })
    expect(await results.next()).toEqual({ done: false, value: delivery(1) })
    await expect(results.next()).rejects.toEqual([errorOf('INTERNAL', { cursor: '1' })])
    expect(await results.next()).toEqual({ done: true, value: undefined })
  })

  it('a field that is refused is a part of its delivery', async () => {
    const partial = delivery(1, { data: { n: null }, errors: [errorOf('FORBIDDEN')] })
    const server = await met(
      socketStandIn([
        (send) => {
          send('next', partial)
          send('complete')
        },
      ]),
    )
    const state = following(overSocket(server))
    await until(() => state.isComplete, PATIENT)
    expect(state.results).toEqual([partial])
  })

  it('a mutation that meets an outage is not sent again', async () => {
    const server = await met(socketStandIn([failing('UNAVAILABLE')]))
    const state = following(overSocket(server), 'mutation { subscription }')
    await until(() => state.error !== undefined, PATIENT)
    expect(state.error).toEqual([errorOf('UNAVAILABLE')])
    expect(server.asked).toHaveLength(1)
  })

  it.each(['stopped', 'disposed'])(
    '%s while it waits, it ends once and does not come back',
    async (how) => {
      const server = await met(socketStandIn([failing('UNAVAILABLE'), one()]))
      const client = overSocket(server)
      const state = following(client)
      await until(() => server.asked.length === 1, PATIENT)
      if (how === 'stopped') state.stop()
      else await client.dispose()
      await until(() => state.isComplete, PATIENT)
      state.isComplete = false
      state.stop()
      expect(state.isComplete).toBe(false)
      expect(state.results).toEqual([])
    },
  )
})

describe('over SSE', () => {
  it('what keeps a stream from beginning is waited out, and what cuts it', async () => {
    const away = { errors: [errorOf('UNAVAILABLE')] }
    const server = await met(
      streamStandIn([
        (response) => response.writeHead(503, { 'retry-after': '1' }).end('{}'),
        (response) => openStream(response).end(eventOf('next', away) + eventOf('complete')),
        number,
        (response, { after }) => {
          openStream(response).write(eventOf('next', delivery(after + 1)))
          setImmediate(() => response.destroy())
        },
        (response) => response.writeHead(502).end('Bad gateway'),
        (response, { after }) =>
          openStream(response).end(eventOf('next', delivery(after + 1)) + eventOf('complete')),
      ]),
    )
    const client = overStream(server)
    const state = following(client)
    await until(() => state.isComplete, PATIENT)
    expect(state.results).toEqual([1, 2, 3].map((n) => delivery(n)))
    expectTypeOf(client).toEqualTypeOf<StreamClient<boolean>>()
  })

  it.each(['ends', 'breaks'])(
    'a stream that %s in the same moment as its last event comes is asked for again',
    async (how) => {
      let n = 0
      const fetchFn = async (): Promise<Response> => {
        n += 1
        return new Response(brief(eventOf('next', delivery(n)), how))
      }
      const state = following(
        resumable(persistent(createStreamClient, { url: 'http://127.0.0.1', fetchFn })),
      )
      await until(() => state.results.length >= 3, PATIENT)
      expect(state.results.slice(0, 3)).toEqual([1, 2, 3].map((each) => delivery(each)))
    },
  )

  it('a delivery that failed is asked for again, and one that fails for good ends the stream', async () => {
    const server = await met(
      streamStandIn([
        (response) =>
          openStream(response).write(
            eventOf('next', delivery(1)) + eventOf('next', failed('UNAVAILABLE')),
          ),
        (response) => openStream(response).write(eventOf('next', failed('INTERNAL'))),
      ]),
    )
    const state = following(overStream(server))
    await until(() => state.error !== undefined, PATIENT)
    expect(state.results).toEqual([delivery(1)])
    expect(state.error).toEqual([errorOf('INTERNAL', { cursor: '1' })])
    expect(server.asked.map(({ after }) => after)).toEqual([0, 1])
  })

  it('what the server says of a stream that cannot be is told, and a credential that is refused ends it', async () => {
    const unknown = { errors: [errorOf('NOT_FOUND')] }
    const server = await met(
      streamStandIn([
        (response) => openStream(response).end(eventOf('next', unknown) + eventOf('complete')),
        (response) => response.writeHead(401).end('{}'),
      ]),
    )
    const client = overStream(server)
    const told = following(client)
    await until(() => told.isComplete, PATIENT)
    expect(told.results).toEqual([unknown])
    const refused = following(client)
    await until(() => refused.error !== undefined, PATIENT)
    expect(refused.error).toMatchObject({ message: expect.stringContaining('status 401') })
  })
})
