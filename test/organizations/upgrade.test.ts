import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApp, type App } from '../../src/app.ts'
import { hashPassword } from '../../src/auth/passwords.ts'
import { hashSecret } from '../../src/auth/secrets.ts'
import { readConfig } from '../../src/config.ts'
import { openDatabase } from '../../src/db/open.ts'
import { applyMigrations } from '../../src/db/migrate.ts'
import { migrationsFolder } from '../../src/db/migrations.ts'
import { OrganizationId, TokenId, UserId } from '../../src/organizations/index.ts'
import { settings } from '../../testkit/app.ts'
import { Client } from '../../testkit/client.ts'
import { serverDatabase } from '../../testkit/database/database.ts'
import { removeDataFolder } from '../../testkit/folder.ts'
import { Viewer } from '../../testkit/operations/organizations.ts'
import { SetMember, SignIn } from '../../testkit/operations/people.ts'
import { signedIn } from '../../testkit/seed/organizations.ts'

/*
 * A database of the version before there were invitations: accounts were unique by e-mail, and a password that an
 * organization had set was good for that organization alone.
 */
const FIRST_NEW = '20261129191458_invitations'
const server = process.env['TEST_DATABASE_URL']
const [ours, theirs] = [OrganizationId.make(), OrganizationId.make()]
const people = {
  admin: UserId.make(),
  /** Of one organization, which has set the password. */
  one: UserId.make(),
  /** Of two, with a password for all. */
  both: UserId.make(),
  /** Of two, one of which has set the password. */
  half: UserId.make(),
}
const ADMIN_TOKEN = 'mrt_of_the_version_before'
const PASSWORD = 'of the version before'

let app: App
let admin: Client
let stranger: Client
let dataDir: string
let database: Awaited<ReturnType<typeof serverDatabase>> | undefined
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'millrace-upgrade-'))
  database = server === undefined ? undefined : await serverDatabase(server)
  const place = { dataDir, ...(database && { url: database.url }) }
  await fill(place)
  app = createApp(readConfig(settings(place, { ADMIN_TOKEN })), pino({ level: 'silent' }))
  const started = await app.start()
  admin = new Client(started.url, ADMIN_TOKEN)
  stranger = new Client(started.url, undefined)
})
afterAll(async () => {
  await app.close()
  await database?.drop()
  await removeDataFolder(dataDir)
})

/** What the version before has left. */
async function fill(place: { dataDir: string; url?: string }): Promise<void> {
  const log = { info: () => {}, warn: console.warn, error: console.error }
  const folder = await mkdtemp(join(tmpdir(), 'millrace-migrations-'))
  await cp(migrationsFolder, folder, { recursive: true })
  for (const name of await readdir(folder))
    if (/^\d/.test(name) && name >= FIRST_NEW) await rm(join(folder, name), { recursive: true })
  const db = await openDatabase({ ...place, log })
  try {
    await applyMigrations(db, log, folder)
    const hash = await hashPassword(PASSWORD, 'here')
    const run = (sql: string, values: unknown[]) => db.pool.query(sql, values)
    for (const [id, handle] of [
      [ours, 'ours'],
      [theirs, 'theirs'],
    ])
      await run('INSERT INTO "Organization" (id, handle, name) VALUES ($1, $2, $2)', [id, handle])
    const scopes = { admin: null, one: ours, both: null, half: ours }
    for (const [name, id] of Object.entries(people)) {
      const email = name === 'admin' ? name : `${name}@example.com`
      await run(
        `INSERT INTO "User" (id, email, "isServerAdmin", "passwordHash", "passwordOrganizationId")
         VALUES ($1, $2, $3, $4, $5)`,
        [id, email, name === 'admin', hash, scopes[name as keyof typeof scopes]],
      )
      for (const place of name === 'one' ? [ours] : [ours, theirs])
        await run(
          `INSERT INTO "Membership" ("userId", "organizationId", role) VALUES ($1, $2, $3)`,
          [id, place, name === 'admin' ? 'ADMIN' : 'DEVELOPER'],
        )
    }
    await run(
      `INSERT INTO "Token" (id, name, hash, "userId", role, "expiresAt")
       VALUES ($1, 'sign-in', $2, $3, 'DEVELOPER', now() + interval '1 day')`,
      [TokenId.make(), hashSecret('mrt_both'), people.both],
    )
  } finally {
    await db.close()
    await rm(folder, { recursive: true })
  }
}

const placesOf = async (client: Client) =>
  (await client.request(Viewer)).viewer.memberships.map(({ organization }) => organization.id)
const [oursText, theirsText] = [OrganizationId.text(ours), OrganizationId.text(theirs)]

test('memberships, passwords and sign-ins of the version before are what they were', async () => {
  const { viewer } = await admin.request(Viewer)
  expect(viewer.user).toEqual({ id: UserId.text(people.admin), email: 'admin' })
  expect(await placesOf(new Client(admin.url, 'mrt_both'))).toEqual([oursText, theirsText])
  for (const [name, places] of [
    ['one', [oursText]],
    ['both', [oursText, theirsText]],
    ['half', [oursText]],
  ] as const) {
    const input = { email: `${name}@example.com`, password: PASSWORD }
    const { secret } = await signedIn(stranger, input)
    const client = new Client(admin.url, secret)
    expect((await client.request(Viewer)).viewer.user?.id).toBe(UserId.text(people[name]))
    expect(await placesOf(client)).toEqual(places)
  }
  const crossed = { email: 'half@example.com', password: PASSWORD, organizationId: theirsText }
  expect((await stranger.request(SignIn, { input: crossed })).signIn.__typename).toBe('Forbidden')
})

test('an organization still manages the accounts of its own people, and of nobody else', async () => {
  const { secret } = await signedIn(stranger, { email: 'admin', password: PASSWORD })
  expect(secret).toBeTruthy()
  const member = { role: 'ADMIN' as const, organizationId: oursText }
  const boss = { ...member, email: 'boss@example.com', password: 'of the boss' }
  await admin.request(SetMember, { input: boss })
  const { secret: session } = await signedIn(stranger, { ...boss, organizationId: oursText })
  const client = new Client(admin.url, session)
  for (const [name, outcome] of [
    ['one', 'SetMemberSuccess'],
    ['both', 'Forbidden'],
    ['half', 'Forbidden'],
  ] as const) {
    const input = { email: `${name}@example.com`, role: 'DEVELOPER' as const, name: 'Renamed' }
    expect((await client.request(SetMember, { input })).setMember.__typename).toBe(outcome)
  }
})
