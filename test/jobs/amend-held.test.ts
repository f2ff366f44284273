import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readMigrations } from '../../src/db/migrations.ts'
import { Prisma } from '../../src/generated/prisma/client.ts'
import type { AmendJobInput } from '../../testkit/generated/graphql.ts'
import { graphql } from '../../testkit/generated/index.ts'
import { Client } from '../../testkit/client.ts'
import { Amend, CancelMany } from '../../testkit/operations/jobs.ts'
import { succeeded } from '../../testkit/outcome.ts'
import {
  claim,
  claimOne,
  complete,
  fail,
  read,
  seedQueue,
  submit,
} from '../../testkit/seed/jobs.ts'
import { member, seedOrganization, seedToken } from '../../testkit/seed/organizations.ts'
import { seed } from '../../testkit/seed/chain.ts'
import { streamApp, type StreamApp } from '../../testkit/stream-app.ts'

/* Below DEVELOPER one amends a job that waits, or that one has claimed or begun oneself. */

let app: StreamApp
let organizationId: string
let admin: Client
let queue: string
/** Who is below DEVELOPER, by role, with a colleague of the same role. */
let workers: [string, Client, Client][]
beforeAll(async () => {
  app = await streamApp() // which does no jobs itself
  const organization = await seedOrganization(app)
  organizationId = organization.id
  admin = organization.admin
  queue = await seedQueue(admin)
  const roles = ['WORKER', 'VIEWER'] as const
  workers = await Promise.all(
    roles.map(async (role): Promise<[string, Client, Client]> => [
      role,
      await member(app, organizationId, role),
      await member(app, organizationId, role),
    ]),
  )
})
afterAll(() => app.close())

const amend = async (client: Client, input: AmendJobInput) =>
  (await client.request(Amend, { input })).amendJob

/** Both roles, one after the other. */
const asEach = async (work: (own: Client, other: Client, role: string) => Promise<void>) => {
  for (const [role, own, other] of workers) await work(own, other, role)
}

const forbidden = { __typename: 'Forbidden' }

/** Nobody but a DEVELOPER: tried in every way, changing nothing. */
async function isRefused(client: Client, id: string) {
  const before = await read(admin, id)
  for (const change of [
    { status: 'QUEUED' as const },
    { status: 'RUNNING' as const },
    { status: 'SUCCEEDED' as const, result: 'stolen' },
    { result: 'stolen' },
    { annotations: [{ front: 'ABEJA' as const, value: 1 }] },
  ])
    expect(await amend(client, { id, ...change })).toMatchObject(forbidden)
  expect(await read(admin, id)).toEqual(before)
}

test('a job that waits is amended by whoever may claim it, and is held by them from then on', () =>
  asEach(async (own, other) => {
    const { id } = await submit(admin, queue)
    expect(await amend(own, { id, status: 'RUNNING' })).toMatchObject({
      job: { status: 'RUNNING' },
    })
    await isRefused(other, id)
    expect(await amend(own, { id, status: 'SUCCEEDED', result: 1 })).toMatchObject({
      job: { status: 'SUCCEEDED', result: 1 },
    })
    // whoever writes the state first and the result after it
    expect(await amend(own, { id, result: 2 })).toMatchObject({ job: { result: 2 } })
    await isRefused(other, id)
    expect(await amend(own, { id, status: 'QUEUED' })).toMatchObject({ job: { status: 'QUEUED' } })
    expect(await amend(other, { id, status: 'FAILED' })).toMatchObject({
      job: { status: 'FAILED' },
    })
    await isRefused(own, id)
  }))

test('a job that was claimed is amended by the credential that claimed it', () =>
  asEach(async (own, other) => {
    const { id } = await submit(admin, queue)
    const lease = await claimOne(own, queue)
    expect(lease.jobId).toBe(id)
    await isRefused(other, id)
    expect(await amend(own, { id, status: 'FAILED' })).toMatchObject({ job: { status: 'FAILED' } })
    await amend(admin, { id, status: 'QUEUED' })
    const again = await claimOne(other, queue)
    await isRefused(own, id)
    expect(await complete(other, again, 1)).toMatchObject({ job: { result: 1 } })
    await isRefused(own, id)
    expect(await amend(other, { id, result: 3 })).toMatchObject({ job: { result: 3 } })
  }))

test('what a DEVELOPER has put into a state is not held by its worker any more', () =>
  asEach(async (own) => {
    const { id } = await submit(admin, queue)
    await amend(own, { id, status: 'RUNNING' })
    await amend(admin, { id, result: 'a hint' }) // which leaves it where it is
    expect(await amend(own, { id, result: 'mine' })).toMatchObject({ job: { result: 'mine' } })
    await amend(admin, { id, status: 'FAILED' })
    await isRefused(own, id)
  }))

test('what may be done to a job says whether it may be amended', () =>
  asEach(async (own, other) => {
    const { id } = await submit(admin, queue)
    const lease = await claimOne(own, queue)
    const done = await complete(own, lease, 1)
    expect(done).toMatchObject({ job: { viewerActions: ['AMEND'] } })
    expect((await read(admin, id)).viewerActions).toEqual(['RETRY', 'AMEND'])
    if (other === workers[1]?.[2]) expect((await read(other, id)).viewerActions).toEqual([])
  }))

test('a person goes on with what they began, whatever they are signed in with', async () => {
  const Join = graphql(`
    mutation HandsJoin($input: SetMemberInput!) {
      setMember(input: $input) {
        __typename
      }
    }
  `)
  const SignIn = graphql(`
    mutation HandsSignIn($input: SignInInput!) {
      signIn(input: $input) {
        __typename
        ... on SignInSuccess {
          secret
        }
      }
    }
  `)
  const person = { email: `${randomUUID()}@example.com`, password: 'a long password' }
  await admin.request(Join, { input: { ...person, role: 'VIEWER' } })
  const signedIn = async () => {
    const { signIn } = await new Client(app.url, undefined).request(SignIn, { input: person })
    return new Client(app.url, succeeded(signIn, 'SignInSuccess').secret)
  }
  const { id } = await submit(admin, queue)
  await amend(await signedIn(), { id, status: 'RUNNING' })
  expect(await amend(await signedIn(), { id, status: 'SUCCEEDED' })).toMatchObject({
    job: { status: 'SUCCEEDED' },
  })
})

test('jobs of what is no queue are amended from DEVELOPER on, built-in ones by nobody', async () => {
  const files = { 'main.mjs': 'export const handler = () => new Response()\n' }
  const service = await seed(admin).deployment().version(files).service().made()
  const { id } = await submit(admin, service.id)
  await asEach(async (own) => isRefused(own, id))
  expect(await amend(admin, { id, result: 1 })).toMatchObject({ job: { result: 1 } })

  const { cancelJobs } = await admin.request(CancelMany, {
    input: { filter: { labels: [{ name: 'none', value: 'none' }] } },
  })
  const builtIn = succeeded(cancelJobs, 'CancelJobsSuccess').job.id
  for (const client of [admin, ...workers.map(([, own]) => own)])
    expect(await amend(client, { id: builtIn, result: 1 })).toMatchObject(forbidden)
})

test('what ran when the server learned to remember who began it is still held by them', async () => {
  const migration = (await readMigrations()).find(({ name }) => name.endsWith('_job_holders'))
  const [, fill = ''] = migration?.script.split(/^-- What runs now.*$/m) ?? []
  const token = await seedToken(app.admin, organizationId, 'WORKER')
  const own = new Client(app.url, token.secret)
  const claimed = await submit(admin, queue)
  await claimOne(own, queue)
  const amended = await submit(admin, queue)
  await amend(own, { id: amended.id, status: 'RUNNING' })
  await app.database.query(Prisma.sql`UPDATE "Job" SET "heldBy" = NULL`)
  for (const { id } of [claimed, amended]) await isRefused(own, id)
  await app.database.query(Prisma.raw(fill))
  for (const { id } of [claimed, amended])
    expect(await amend(own, { id, status: 'FAILED' })).toMatchObject({ job: { status: 'FAILED' } })
})

test('the same claim of another credential is given nothing', () =>
  asEach(async (own, other) => {
    const { id } = await submit(admin, queue)
    const claimId = randomUUID()
    const [lease] = await claim(own, queue, { claimId })
    expect(lease?.job.id).toBe(id)
    await submit(admin, queue)
    expect(await claim(other, queue, { claimId })).toEqual([])
    expect(await claim(own, queue, { claimId })).toEqual([lease])
    await fail(own, { jobId: id, fence: lease?.fence ?? '' })
    for (const left of await claim(admin, queue, { max: 10 }))
      await complete(admin, { jobId: left.job.id, fence: left.fence })
  }))
