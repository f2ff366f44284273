import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { Role } from '../../testkit/generated/graphql.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { Client } from '../../testkit/client.ts'
import { OrganizationChanged, RevokeToken, Viewer } from '../../testkit/operations/organizations.ts'
import { AcceptInvitation, RemoveMember, SetMember } from '../../testkit/operations/people.ts'
import { JobQueued } from '../../testkit/operations/streams.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seedQueue, submit } from '../../testkit/seed/jobs.ts'
import {
  invited,
  seedOrganization,
  seedPerson,
  seedToken,
  signedIn,
} from '../../testkit/seed/organizations.ts'
import { runningService } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'
import { areClosed, openAll, type Open } from './open.ts'

let app: TestApp
let organization: { id: string; admin: Client }
/** Open with a token that expires while the other tests run. */
let expiring: Open[]
beforeAll(async () => {
  app = await testApp()
  organization = await seedOrganization(app)
  const expiresAt = new Date(Date.now() + 8_000).toISOString()
  const { secret } = await seedToken(app.admin, organization.id, 'VIEWER', expiresAt)
  expiring = await openAll(app.client(secret), organization.id)
})
afterAll(() => app.close())

test('revoking a token closes what is open with it, and nothing else', async () => {
  const [gone, kept] = [
    await seedToken(app.admin, organization.id, 'VIEWER'),
    await seedToken(app.admin, organization.id, 'VIEWER'),
  ]
  const [closed, open] = [
    await openAll(app.client(gone.secret), organization.id),
    await openAll(app.client(kept.secret), organization.id),
  ]
  await organization.admin.request(RevokeToken, { input: { id: gone.token.id } })
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

test('taking a person out of an organization closes what the person has open', async () => {
  const person = await seedPerson(organization.admin, 'VIEWER', organization.id)
  const { secret } = await signedIn(app.stranger, person)
  const all = await openAll(app.client(secret), organization.id)
  await organization.admin.request(RemoveMember, { input: { userId: person.id } })
  await areClosed(all)
})

test('a role that is too little for what is open closes it, and one that is enough does not', async () => {
  const person = await seedPerson(organization.admin, 'VIEWER', organization.id)
  const client = app.client((await signedIn(app.stranger, person)).secret)
  const all = await openAll(client, organization.id)
  const become = (role: Role) =>
    organization.admin.request(SetMember, { input: { email: person.email, role } })
  await become('DEVELOPER')
  expect((await client.request(Viewer)).viewer.role).toBe('DEVELOPER')
  const delivered = all.map((one) => one.delivered)
  await become('ADMIN')
  await until(() => all.every((one, place) => one.delivered > (delivered[place] ?? 0)))
  expect(all.map(({ ended }) => ended)).toEqual([undefined, undefined, undefined])
  await become('VIEWER')
  expect((await client.request(Viewer)).viewer.role).toBe('VIEWER')
  const before = all.map((one) => one.delivered)
  await seedToken(organization.admin, organization.id, 'VIEWER') // something to tell
  await until(() => all.every((one, place) => one.delivered > (before[place] ?? 0)))
  await become('WORKER')
  await areClosed(all, false)
  expect((await client.request(Viewer)).viewer.role).toBe('WORKER')
})

test('whoever becomes WORKER goes on hearing of work', async () => {
  const { id, admin } = await seedOrganization(app)
  const person = await seedPerson(admin, 'DEVELOPER', id)
  const client = app.client((await signedIn(app.stranger, person)).secret)
  const queue = await seedQueue(admin)
  const socket = client.socket()
  try {
    let waiting = 0
    let ended: unknown
    socket.subscribe(
      { query: JobQueued.toString(), variables: { serviceIds: [queue] } },
      {
        next: () => (waiting += 1),
        error: (cause) => (ended = cause),
        complete: () => (ended = 'complete'),
      },
    )
    await submit(admin, queue)
    await until(() => waiting === 1)
    const input = { email: person.email, role: 'WORKER' as const }
    succeeded((await admin.request(SetMember, { input })).setMember, 'SetMemberSuccess')
    expect((await client.request(Viewer)).viewer.role).toBe('WORKER')
    await submit(admin, queue)
    await until(() => waiting === 2 || ended !== undefined)
    expect(ended).toBe(undefined)
  } finally {
    await socket.dispose()
  }
})

const revoke = async (client: Client, id: string) =>
  (await client.request(RevokeToken, { input: { id } })).revokeToken.__typename

test('whoever acts in one organization ends no sign-in to another', async () => {
  const [ours, theirs] = [await seedOrganization(app), await seedOrganization(app)]
  const person = await seedPerson(app.admin, 'VIEWER', theirs.id)
  const whole = await signedIn(app.stranger, person)
  const { code } = await invited(ours.admin, person.email, 'VIEWER', ours.id)
  const input = { code, password: 'of ours alone' }
  const { acceptInvitation } = await app.client(whole.secret).request(AcceptInvitation, { input })
  succeeded(acceptInvitation, 'AcceptInvitationSuccess')
  const bound = app.client((await signedIn(app.stranger, { ...person, ...input })).secret)
  expect(await revoke(bound, whole.id)).toBe('NotFound')
  const other = await signedIn(app.stranger, { ...person, ...input })
  expect(await revoke(bound, other.id)).toBe('RevokeTokenSuccess')
  expect(await revoke(app.client(whole.secret), whole.id)).toBe('RevokeTokenSuccess')
})

test('a subscription that ends for want of rights says so before its socket is closed', async () => {
  const person = await seedPerson(organization.admin, 'VIEWER', organization.id)
  const { secret } = await signedIn(app.stranger, person)
  const socket = new WebSocket(`${app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  const messages: { type: string; payload?: unknown }[] = []
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as never)) // of the protocol
  const closed = once(socket, 'close')
  await once(socket, 'open')
  const payload = { authorization: `Bearer ${secret}` }
  socket.send(JSON.stringify({ type: 'connection_init', payload }))
  await until(() => messages.length === 1)
  const query = `subscription { organizationChanged(organizationId: "${organization.id}") { cursor } }`
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }))
  await until(() => messages.length === 2)
  await organization.admin.request(SetMember, { input: { email: person.email, role: 'WORKER' } })
  expect((await closed)[0]).toBe(4403)
  expect(messages.at(-1)).toMatchObject({
    type: 'error',
    payload: [{ message: expect.stringContaining('rights'), extensions: { code: 'FORBIDDEN' } }],
  })
})

test('signing out closes what is open, by the person alone', async () => {
  const person = await seedPerson(organization.admin, 'VIEWER', organization.id)
  const { secret, id } = await signedIn(app.stranger, person)
  const worker = await seedToken(app.admin, organization.id, 'WORKER')
  const other = await seedPerson(organization.admin, 'VIEWER', organization.id)
  const stranger = app.client((await signedIn(app.stranger, other)).secret)
  const all = await openAll(app.client(secret), organization.id)
  expect((await stranger.request(RevokeToken, { input: { id } })).revokeToken.__typename).toBe(
    'NotFound',
  )
  expect(
    (await app.client(secret).request(RevokeToken, { input: { id } })).revokeToken.__typename,
  ).toBe('RevokeTokenSuccess')
  await areClosed(all)
  const own = await app
    .client(worker.secret)
    .request(RevokeToken, { input: { id: worker.token.id } })
  expect(own.revokeToken.__typename).toBe('RevokeTokenSuccess')
})

test('a socket that is open with no subscription is closed too', async () => {
  const { secret, token } = await seedToken(app.admin, organization.id, 'VIEWER')
  const socket = app.client(secret).socket()
  const closed = new Promise<unknown>((resolve) => socket.on('closed', resolve))
  const connected = new Promise((resolve) => socket.on('connected', resolve))
  const over = new Promise((resolve) => {
    socket.subscribe(
      { query: OrganizationChanged.toString() },
      { next: () => {}, error: resolve, complete: () => resolve('complete') },
    )
  })
  await connected
  await organization.admin.request(RevokeToken, { input: { id: token.id } })
  expect(await closed).toMatchObject({ code: 4403 })
  await over
  await socket.dispose()
})

/** A service that answers a call bit by bit, without an end. */
const endless = {
  'main.mjs': `export const handler = () => {
    let timer
    return new Response(new ReadableStream({
      start(controller) { timer = setInterval(() => controller.enqueue(new TextEncoder().encode('.')), 100) },
      cancel() { clearInterval(timer) },
    }))
  }`,
}

/** A call that goes on, and what has come of it. */
async function calling(client: Client, invokeUrl: string) {
  const state = { received: 0, isCut: false }
  const response = await fetch(invokeUrl, { headers: client.headers })
  expect(response.status).toBe(200)
  void (async () => {
    try {
      for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>)
        state.received += bytes.length
    } catch {
      state.isCut = true
    }
  })()
  await until(() => state.received > 0)
  return state
}

test('what happens in one organization closes what needs it, and nothing in another', async () => {
  const [ours, theirs] = [await seedOrganization(app), await seedOrganization(app)]
  const services = await Promise.all(
    [ours, theirs].map(({ admin }) => runningService(admin, endless, { image: 'node:22' })),
  )
  const [urlOfOurs = '', urlOfTheirs = ''] = services.map(({ invokeUrl }) => invokeUrl)
  const person = await seedPerson(app.admin, 'DEVELOPER', theirs.id)
  const client = app.client((await signedIn(app.stranger, person)).secret)
  const { code } = await invited(ours.admin, person.email, 'DEVELOPER', ours.id)
  const { acceptInvitation } = await client.request(AcceptInvitation, { input: { code } })
  succeeded(acceptInvitation, 'AcceptInvitationSuccess')

  const kept = await openAll(client, theirs.id)
  const keptCall = await calling(client, urlOfTheirs)
  const socket = client.socket()
  /** Follows over the one socket, and answers how that ended. */
  const follow = (organizationId: string) => {
    const state = { delivered: 0, ended: undefined as unknown }
    socket.subscribe(
      { query: OrganizationChanged.toString(), variables: { organizationId } },
      {
        next: () => (state.delivered += 1),
        error: (cause) => (state.ended = cause),
        complete: () => (state.ended = 'complete'),
      },
    )
    return state
  }
  const keptOnSocket = follow(theirs.id)
  const isKept = async () => {
    const [delivered, received] = [keptOnSocket.delivered, keptCall.received]
    const all = kept.map((one) => one.delivered)
    await seedToken(theirs.admin, theirs.id, 'VIEWER') // something to tell
    await until(() => kept.every((one, place) => one.delivered > (all[place] ?? 0)))
    await until(() => keptOnSocket.delivered > delivered && keptCall.received > received)
    expect([...kept, keptOnSocket].map(({ ended }) => ended)).toEqual([...Array(4)])
    expect(keptCall.isCut).toBe(false)
  }
  for (const lose of [
    () => ours.admin.request(SetMember, { input: { email: person.email, role: 'WORKER' } }),
    () => ours.admin.request(RemoveMember, { input: { userId: person.id } }),
  ]) {
    await ours.admin.request(SetMember, { input: { email: person.email, role: 'DEVELOPER' } })
    const all = await openAll(client, ours.id)
    const call = await calling(client, urlOfOurs)
    const onSocket = follow(ours.id)
    await until(() => onSocket.delivered > 0)
    await lose()
    await areClosed(all, false)
    await until(() => call.isCut && onSocket.ended !== undefined)
    expect(onSocket.ended).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
    await isKept()
  }
  // what goes on knows what is lost: of the person's memberships it tells the one that is left
  expect((await client.request(Viewer)).viewer.memberships).toHaveLength(1)
  for (const one of kept) one.close()
  await socket.dispose()
})

test('a token that expires closes what is open with it', () => areClosed(expiring))
