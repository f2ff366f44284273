import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../../testkit/app.ts'
import { Abeja, type Said } from '../../../testkit/fronts/abeja.ts'
import { CreateOrganization } from '../../../testkit/operations/organizations.ts'
import { SetMember } from '../../../testkit/operations/people.ts'
import { succeeded } from '../../../testkit/outcome.ts'
import {
  seedOrganization,
  seedPerson,
  seedToken,
  signedIn,
} from '../../../testkit/seed/organizations.ts'

/* Organizations, and who made what in them (contract abeja 1.4, 3 and 4.1). */

let app: TestApp
beforeAll(async () => {
  app = await testApp({ OPEN_FRONTS: 'abeja', OPEN_FRONT_ROLE: 'DEVELOPER' })
})
afterAll(() => app.close())

test('an organization is told by its id to whoever may read it, as the command line wants it', async () => {
  const abeja = await Abeja.of(app.admin)
  expect(await abeja.did('GET', '')).toEqual({
    id: abeja.organization,
    name: expect.any(String),
    created_at: expect.stringMatching(/T\d\d:\d\d:\d\dZ$/),
    updated_at: expect.stringMatching(/T\d\d:\d\d:\d\dZ$/),
  })
  // it says of every call that it has JSON, and has none
  const headers = { 'content-type': 'application/json' }
  const sent = await abeja.send('GET', `/organizations/${abeja.organization}`, { headers })
  expect(sent.body['id']).toBe(abeja.organization)
  const other = await Abeja.of((await seedOrganization(app)).admin)
  expect((await other.with({ organization: abeja.organization }).call('GET', '')).status).toBe(403)
  expect((await abeja.with({ organization: '9999999999999' }).call('GET', '')).status).toBe(403)
  expect((await abeja.call('GET', '/')).status).toBe(404)
  expect((await abeja.call('POST', '')).status).toBe(405)
})

test.each(['1410805969256', 'some_org'])(
  'an organization that was made with its old id or name keeps it: %s',
  async (old) => {
    const before = await Abeja.of((await seedOrganization(app)).admin)
    const input = { name: `old ${old}`, addresses: [`abeja:${old}`] }
    const { createOrganization } = await app.admin.request(CreateOrganization, { input })
    const { id } = succeeded(createOrganization, 'CreateOrganizationSuccess').organization
    const admin = app.client((await seedToken(app.admin, id, 'ADMIN')).secret)
    const person = await seedPerson(admin, 'DEVELOPER', id)
    const abeja = await Abeja.of(app.client((await signedIn(app.stranger, person)).secret))
    expect(abeja.organization).toBe(old)
    expect(await abeja.did('GET', '')).toMatchObject({ id: old, name: `old ${old}` })
    expect(await roleOf(abeja, await abeja.deployment())).toBe('developer')
    // the id that it would have had means it as well, in this organization alone
    const computed = abeja.with({ organization: String(BigInt(before.organization) + 1n) })
    expect((await computed.did('GET', ''))['id']).toBe(old)
    expect(await roleOf(computed, await computed.deployment())).toBe('developer')
  },
)

const roleOf = async (abeja: Abeja, deployment: string): Promise<unknown> => {
  const found = await abeja.did('GET', `/deployments/${deployment}`)
  return (found['creator'] as Said)['role']
}

test('a creator is admin, developer or regular, as its role is: of people, tokens and an open front', async () => {
  const { id, admin } = await seedOrganization(app)
  const reader = await Abeja.of(admin)
  for (const [role, told] of [
    ['ADMIN', 'admin'],
    ['DEVELOPER', 'developer'],
  ] as const) {
    const person = await seedPerson(admin, role, id)
    const signed = await signedIn(app.stranger, person)
    const token = await seedToken(app.admin, id, role)
    for (const { secret } of [signed, token]) {
      const abeja = await Abeja.of(app.client(secret))
      const deployment = await abeja.deployment()
      const version = await abeja.version(deployment)
      const path = `/deployments/${deployment}/versions/${version}`
      expect(await abeja.did('GET', path)).toMatchObject({ creator: { role: told } })
      for (const by of [abeja, reader]) expect(await roleOf(by, deployment)).toBe(told)
      if (secret !== signed.secret) continue
      // what the person is now, not what it was then
      await admin.request(SetMember, {
        input: { email: person.email, role: 'VIEWER', organizationId: id },
      })
      expect(await roleOf(reader, deployment)).toBe('regular')
    }
  }
  const own = await Abeja.of(app.admin)
  const made = await own.with({ headers: {} }).deployment()
  expect(await roleOf(own, made)).toBe('developer')
})
