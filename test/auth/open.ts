import { once } from 'node:events'
import { EventSource } from 'eventsource'
import { expect } from 'vitest'
import { WebSocket } from 'ws'
import type { Client } from '../../testkit/client.ts'
import { OrganizationChanged } from '../../testkit/operations/organizations.ts'
import { until } from '../../testkit/until.ts'

/** Something open, how it ended, and what it is answered when it comes back. */
export interface Open {
  readonly delivered: number
  readonly ended: unknown
  again(): Promise<unknown>
  close(): void
}

/** Follows an organization over a raw WebSocket. */
async function overSocket(client: Client, organizationId: string): Promise<Open> {
  const state = { delivered: 0, ended: undefined as unknown }
  const connect = (): WebSocket => {
    const socket = new WebSocket(
      `${client.url.replace('http', 'ws')}/graphql`,
      'graphql-transport-ws',
    )
    socket.once('open', () =>
      socket.send(JSON.stringify({ type: 'connection_init', payload: client.headers })),
    )
    return socket
  }
  const socket = connect()
  socket.on('message', (data: Buffer) => {
    const { type } = JSON.parse(data.toString()) as { type: string }
    const payload = { query: OrganizationChanged.toString(), variables: { organizationId } }
    if (type === 'connection_ack')
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }))
    if (type === 'next') state.delivered += 1
  })
  socket.once('close', (code: number) => (state.ended = code))
  return {
    get delivered() {
      return state.delivered
    },
    get ended() {
      return state.ended
    },
    async again() {
      const [code] = (await once(connect(), 'close')) as [number] // what the event carries
      return code
    },
    close: () => socket.terminate(),
  }
}

const addressOf = (client: Client, organizationId: string): URL => {
  const address = new URL(`${client.url}/graphql`)
  address.searchParams.set('query', OrganizationChanged.toString())
  address.searchParams.set('variables', JSON.stringify({ organizationId }))
  return address
}

/** Follows it by fetch and server-sent events. */
async function overFetch(client: Client, organizationId: string): Promise<Open> {
  const state = { delivered: 0, ended: undefined as unknown }
  const gone = new AbortController()
  const ask = () =>
    fetch(addressOf(client, organizationId), {
      headers: { accept: 'text/event-stream', ...client.headers },
      signal: gone.signal,
    })
  const response = await ask()
  void (async () => {
    try {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
        if (Buffer.from(chunk).includes('event: next')) state.delivered += 1
      state.ended = 'complete'
    } catch {
      state.ended = 'cut'
    }
  })()
  return {
    get delivered() {
      return state.delivered
    },
    get ended() {
      return state.ended
    },
    again: async () => (await ask()).status,
    close: () => gone.abort(),
  }
}

/** Has an EventSource come back at once; by itself it would wait for seconds. */
const soonAgain = () =>
  new TransformStream<Uint8Array, Uint8Array>({
    start: (stream) => stream.enqueue(Buffer.from('retry: 1\n\n')),
  })

/** Follows it as a browser does that is signed in by cookie. */
async function overEventSource(client: Client, organizationId: string): Promise<Open> {
  const state = { delivered: 0, ended: undefined as unknown, statuses: [] as number[] }
  const source = new EventSource(addressOf(client, organizationId), {
    fetch: async (input, init) => {
      const headers = {
        ...init.headers,
        cookie: `millrace=${client.token}`,
        'sec-fetch-site': 'same-origin',
      }
      const response = await fetch(input, { ...init, headers })
      state.statuses.push(response.status)
      if (response.body === null) return response
      return new Response(response.body.pipeThrough(soonAgain()), response)
    },
  })
  source.addEventListener('next', () => (state.delivered += 1))
  source.addEventListener('error', () => (state.ended = 'cut'))
  return {
    get delivered() {
      return state.delivered
    },
    get ended() {
      return state.ended
    },
    // it comes back by itself, and stays away after any status but 200
    async again() {
      await until(() => source.readyState === source.CLOSED)
      return state.statuses.at(-1)
    },
    close: () => source.close(),
  }
}

const ways = [
  { way: 'a WebSocket', open: overSocket, ended: 4403, refused: 4403 },
  { way: 'an event stream', open: overFetch, ended: 'cut', refused: 401 },
  { way: 'an EventSource with the cookie', open: overEventSource, ended: 'cut', refused: 401 },
]

/** Opens all three with one credential and sees that they deliver. */
export async function openAll(client: Client, organizationId: string): Promise<Open[]> {
  const all = await Promise.all(ways.map(({ open }) => open(client, organizationId)))
  await until(() => all.every(({ delivered }) => delivered > 0))
  return all
}

/** Each is closed, and is not let in again. */
export async function areClosed(all: readonly Open[], isGone = true): Promise<void> {
  await until(() => all.every(({ ended }) => ended !== undefined))
  expect(all.map(({ ended }) => ended)).toEqual(ways.map(({ ended }) => ended))
  if (isGone)
    expect(await Promise.all(all.map((one) => one.again()))).toEqual(
      ways.map(({ refused }) => refused),
    )
  for (const one of all) one.close()
}
