import { once } from 'node:events'
import { EventSource } from 'eventsource'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { Role } from '../generated/graphql.ts'
import { RevokeToken, seedOrganization, seedToken } from '../organizations/operations.ts'
import { testApp, type TestApp } from '../support/app.ts'
import { Client } from '../support/client.ts'
import { until } from '../support/until.ts'
import { Changed, RemoveMember, seedPerson, SetMember, signedIn, Who } from './operations.ts'

let app: TestApp
let organization: { id: string; admin: Client }
beforeAll(async () => {
  app = await testApp()
  organization = await seedOrganization(app)
})
afterAll(() => app.close())

/** Something open, how it ended, and what it is answered when it comes back. */
interface Open {
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
    const payload = { query: Changed.toString(), variables: { organizationId } }
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
  address.searchParams.set('query', Changed.toString())
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
      return response
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
async function openAll(client: Client): Promise<Open[]> {
  const all = await Promise.all(ways.map(({ open }) => open(client, organization.id)))
  await until(() => all.every(({ delivered }) => delivered > 0))
  return all
}

/** Each is closed, and is not let in again. */
async function areClosed(all: readonly Open[], isGone = true): Promise<void> {
  await until(() => all.every(({ ended }) => ended !== undefined))
  expect(all.map(({ ended }) => ended)).toEqual(ways.map(({ ended }) => ended))
  if (isGone)
    for (const [place, one] of all.entries()) expect(await one.again()).toBe(ways[place]?.refused)
  for (const one of all) one.close()
}

test('revoking a token closes what is open with it, and nothing else', async () => {
  const [gone, kept] = [
    await seedToken(app.admin, organization.id, 'VIEWER'),
    await seedToken(app.admin, organization.id, 'VIEWER'),
  ]
  const [closed, open] = [
    await openAll(app.client(gone.secret)),
    await openAll(app.client(kept.secret)),
  ]
  await organization.admin.request(RevokeToken, { id: gone.token.id })
  const refused = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: app.client(gone.secret).headers,
    body: '{}',
  })
  expect(refused.status).toBe(401)
  await areClosed(closed)
  expect(open.map(({ ended }) => ended)).toEqual([undefined, undefined, undefined])
  for (const one of open) one.close()
})

test('a token that expires closes what is open with it', async () => {
  const expiresAt = new Date(Date.now() + 8_000).toISOString()
  const { secret } = await seedToken(app.admin, organization.id, 'VIEWER', expiresAt)
  await areClosed(await openAll(app.client(secret)))
})

test('taking a person out of an organization closes what the person has open', async () => {
  const person = await seedPerson(organization.admin, 'VIEWER', organization.id)
  const { secret } = await signedIn(app.stranger, person)
  const all = await openAll(app.client(secret))
  await organization.admin.request(RemoveMember, { input: { userId: person.id } })
  await areClosed(all)
})

test('a lesser role closes what was open with the greater, a greater one does not', async () => {
  const person = await seedPerson(organization.admin, 'VIEWER', organization.id)
  const client = app.client((await signedIn(app.stranger, person)).secret)
  const all = await openAll(client)
  const become = (role: Role) =>
    organization.admin.request(SetMember, { input: { email: person.email, role } })
  await become('DEVELOPER')
  expect((await client.request(Who)).viewer.role).toBe('DEVELOPER')
  const delivered = all.map((one) => one.delivered)
  await become('ADMIN')
  await until(() => all.every((one, place) => one.delivered > (delivered[place] ?? 0)))
  expect(all.map(({ ended }) => ended)).toEqual([undefined, undefined, undefined])
  await become('VIEWER')
  await areClosed(all, false)
  expect((await client.request(Who)).viewer.role).toBe('VIEWER')
})

test('signing out closes what is open, by the person alone', async () => {
  const person = await seedPerson(organization.admin, 'VIEWER', organization.id)
  const { secret, id } = await signedIn(app.stranger, person)
  const worker = await seedToken(app.admin, organization.id, 'WORKER')
  const other = await seedPerson(organization.admin, 'VIEWER', organization.id)
  const stranger = app.client((await signedIn(app.stranger, other)).secret)
  const all = await openAll(app.client(secret))
  expect((await stranger.request(RevokeToken, { id })).revokeToken.__typename).toBe('NotFound')
  expect((await app.client(secret).request(RevokeToken, { id })).revokeToken.__typename).toBe(
    'RevokeTokenSuccess',
  )
  await areClosed(all)
  const own = await app.client(worker.secret).request(RevokeToken, { id: worker.token.id })
  expect(own.revokeToken.__typename).toBe('RevokeTokenSuccess')
})

test('a socket that is open with no subscription is closed too', async () => {
  const { secret, token } = await seedToken(app.admin, organization.id, 'VIEWER')
  const socket = app.client(secret).socket()
  const closed = new Promise<unknown>((resolve) => socket.on('closed', resolve))
  const connected = new Promise((resolve) => socket.on('connected', resolve))
  const over = new Promise((resolve) => {
    socket.subscribe(
      { query: Changed.toString() },
      { next: () => {}, error: resolve, complete: () => resolve('complete') },
    )
  })
  await connected
  await organization.admin.request(RevokeToken, { id: token.id })
  expect(await closed).toMatchObject({ code: 4403 })
  await over
  await socket.dispose()
})
