import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Role } from '../generated/graphql.ts'
import { RevokeToken, seedOrganization, seedToken } from '../organizations/operations.ts'
import { testApp, type TestApp } from '../support/app.ts'
import { Client } from '../support/client.ts'
import { until } from '../support/until.ts'
import { areClosed, openAll } from './open.ts'
import { Changed, RemoveMember, seedPerson, SetMember, signedIn, Who } from './operations.ts'

let app: TestApp
let organization: { id: string; admin: Client }
beforeAll(async () => {
  app = await testApp()
  organization = await seedOrganization(app)
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
  await areClosed(await openAll(app.client(secret), organization.id))
})

test('taking a person out of an organization closes what the person has open', async () => {
  const person = await seedPerson(organization.admin, 'VIEWER', organization.id)
  const { secret } = await signedIn(app.stranger, person)
  const all = await openAll(app.client(secret), organization.id)
  await organization.admin.request(RemoveMember, { input: { userId: person.id } })
  await areClosed(all)
})

test('a lesser role closes what was open with the greater, a greater one does not', async () => {
  const person = await seedPerson(organization.admin, 'VIEWER', organization.id)
  const client = app.client((await signedIn(app.stranger, person)).secret)
  const all = await openAll(client, organization.id)
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
  const all = await openAll(app.client(secret), organization.id)
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
