import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Prisma } from '../../src/generated/prisma/client.ts'
import { EFFECT, type Actor } from '../../src/kit/actor.ts'
import { DeploymentId } from '../../src/deployments/index.ts'
import { act, isTakenOver } from '../../src/streams/index.ts'
import { sweepOnce } from '../../src/streams/retention.ts'
import { streamApp, type StreamApp } from '../../testkit/stream-app.ts'
import { tarGz } from '../../testkit/archive.ts'
import { Client } from '../../testkit/client.ts'
import { CreateDeployment, CreateVersion } from '../../testkit/operations/deployments.ts'
import { CreateToken } from '../../testkit/operations/organizations.ts'
import { StopService } from '../../testkit/operations/services.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seed } from '../../testkit/seed/chain.ts'
import { seedDeployment } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'
import { apart } from './answers.ts'

let app: StreamApp
beforeAll(async () => {
  app = await streamApp()
})
afterAll(() => app.close())

const create = async (input: {
  name: string
  handle?: string
  idempotencyKey?: string
  organizationId?: string
}) => (await app.admin.request(CreateDeployment, { input })).createDeployment
const made = async (input: Parameters<typeof create>[0]) =>
  succeeded(await create(input), 'CreateDeploymentSuccess')

/** A token of the default organization and its secret. */
async function token(role: 'DEVELOPER' | 'ADMIN', idempotencyKey?: string) {
  const input = { name: 'other', role, ...(idempotencyKey ? { idempotencyKey } : {}) }
  const { createToken } = await app.admin.request(CreateToken, { input })
  return succeeded(createToken, 'CreateTokenSuccess')
}

test('another input with the same key is a Conflict, and so is another mutation', async () => {
  const idempotencyKey = randomUUID()
  await made({ name: 'first', idempotencyKey })
  expect(await create({ name: 'second', idempotencyKey })).toMatchObject({
    __typename: 'Conflict',
    field: 'idempotencyKey',
    message: 'This key was used for createDeployment with another input.',
  })
  const input = { name: 'first', role: 'VIEWER' as const, idempotencyKey }
  expect((await app.admin.request(CreateToken, { input })).createToken).toMatchObject({
    __typename: 'Conflict',
    field: 'idempotencyKey',
    message: 'This key was used for createDeployment.',
  })
  expect(await made({ name: 'first', idempotencyKey })).toMatchObject({ replayed: true })
})

test('the same key of another caller is another call', async () => {
  const idempotencyKey = randomUUID()
  const { secret } = await token('DEVELOPER')
  const mine = await made({ name: 'mine', idempotencyKey })
  const input = { name: 'mine', idempotencyKey }
  const { createDeployment } = await new Client(app.url, secret).request(CreateDeployment, {
    input,
  })
  const theirs = succeeded(createDeployment, 'CreateDeploymentSuccess')
  expect(theirs.replayed).toBe(false)
  expect(theirs.deployment.id).not.toBe(mine.deployment.id)
})

test('without a key the same is done each time', async () => {
  const [one, two] = [await made({ name: 'each' }), await made({ name: 'each' })]
  expect([one.replayed, two.replayed]).toEqual([false, false])
  expect(one.deployment.id).not.toBe(two.deployment.id)
})

test('an answer is repeated as it was, though the object has changed since', async () => {
  const files = { 'main.txt': 'nothing' }
  const { id } = await seed(app.admin).deployment().version(files).service().made()
  const input = { id, idempotencyKey: randomUUID() }
  const stopped = (await app.admin.request(StopService, { input })).stopService
  expect(stopped).toMatchObject({ replayed: false, service: { status: 'STOPPING' } })
  await app.database.query(
    Prisma.sql`UPDATE "Service" SET status = 'STOPPED', revision = revision + 1 WHERE "heldHandle" IS NOT NULL`,
  )
  const again = (await app.admin.request(StopService, { input })).stopService
  expect(apart([stopped, again]).answers).toHaveLength(1)
  // what went wrong is repeated as well
  const late = { id, idempotencyKey: randomUUID() }
  const wrong = (await app.admin.request(StopService, { input: late })).stopService
  expect(wrong).toMatchObject({ __typename: 'WrongState', state: 'STOPPED' })
  await app.database.query(Prisma.sql`UPDATE "Service" SET status = 'READY'`)
  expect((await app.admin.request(StopService, { input: late })).stopService).toEqual(wrong)
})

test('a key has 1 to 200 visible characters', async () => {
  for (const idempotencyKey of ['', 'two words', 'x'.repeat(201), 'a\nb', 'a\u0000b'])
    expect(await create({ name: 'badly keyed', idempotencyKey })).toMatchObject({
      __typename: 'ValidationError',
      issues: [{ path: ['idempotencyKey'] }],
    })
  expect(await create({ name: 'keyed', idempotencyKey: 'é'.repeat(200) })).toMatchObject({
    __typename: 'CreateDeploymentSuccess',
  })
})

test('a key is free again after 24 hours, swept or not', async () => {
  const idempotencyKey = randomUUID()
  const first = await made({ name: 'daily', idempotencyKey })
  const age = Prisma.sql`
    UPDATE "IdempotentCall" SET "expiresAt" = "expiresAt" - interval '24 hours' WHERE key = ${idempotencyKey}`
  await app.database.query(age)
  const second = await made({ name: 'another day', idempotencyKey })
  expect(second).toMatchObject({ replayed: false, deployment: { name: 'another day' } })
  expect(second.deployment.id).not.toBe(first.deployment.id)
  await app.database.query(age)
  await sweepOnce(app.database, { ...app.config, logRetentionMs: 0 })
  const left = await app.database.query(
    Prisma.sql`SELECT 1 FROM "IdempotentCall" WHERE key = ${idempotencyKey}`,
  )
  expect(left).toEqual([])
  expect(await made({ name: 'daily', idempotencyKey })).toMatchObject({ replayed: false })
})

test('a secret is shown again and stored nowhere', async () => {
  const key = randomUUID()
  const [first, again] = [await token('ADMIN', key), await token('ADMIN', key)]
  expect(apart([first, again])).toMatchObject({ answers: [expect.any(String)], firsts: 1 })
  const rows = await app.database.query<{ answer: string }>(
    Prisma.sql`SELECT answer FROM "IdempotentCall" WHERE key = ${key}`,
  )
  expect(rows).toHaveLength(1)
  expect(JSON.stringify(rows)).not.toContain(first.secret)
  expect(JSON.stringify(rows)).not.toContain(first.secret.slice(4))
})

test('who has lost the right to an answer is not given it again', async () => {
  const { secret, token: other } = await token('ADMIN')
  const client = new Client(app.url, secret)
  const input = { name: 'theirs', role: 'VIEWER' as const, idempotencyKey: randomUUID() }
  const first = (await client.request(CreateToken, { input })).createToken
  expect(first.__typename).toBe('CreateTokenSuccess')
  await app.database.query(
    Prisma.sql`UPDATE "Token" SET role = 'DEVELOPER' WHERE name = ${other.name}`,
  )
  // the server remembers a credential for a moment
  await until(
    async () =>
      (await client.request(CreateToken, { input })).createToken.__typename === 'Forbidden',
  )
})

test('the upload in a repeated answer takes the bytes, also when its first URL has run out', async () => {
  const { id } = await seedDeployment(app.admin)
  const input = { deploymentId: id, label: 'once', idempotencyKey: randomUUID() }
  const version = async () =>
    succeeded(
      (await app.admin.request(CreateVersion, { input })).createDeploymentVersion,
      'CreateDeploymentVersionSuccess',
    )
  const first = await version()
  expect(apart([first, await version()])).toMatchObject({ answers: [expect.any(String)] })
  // two hours later, in the row and in the answer that is kept
  await app.database.query(Prisma.sql`UPDATE "Upload" SET "expiresAt" = now() - interval '1 hour'`)
  await app.database.query(Prisma.sql`
    UPDATE "IdempotentCall" SET answer = replace(answer, ${first.upload.expiresAt.slice(0, 19)}, '2020-01-01T00:00:00')
    WHERE key = ${input.idempotencyKey}`)
  const late = await version()
  expect(late).toMatchObject({ replayed: true, upload: { id: first.upload.id } })
  const body = new Uint8Array(await tarGz({ 'main.txt': 'nothing' }))
  expect((await fetch(late.upload.url ?? '', { method: 'PUT', body })).status).toBe(200)
})

/** What a statement is refused with, through either client of the database. */
async function refusals(sql: Prisma.Sql): Promise<unknown[]> {
  const { database } = app
  const ways = [
    () => database.query(sql),
    () => database.prisma.$executeRaw(sql),
    () => database.prisma.$transaction((db) => db.$queryRaw(sql)),
  ]
  const refused: unknown[] = []
  for (const way of ways) refused.push(await way().catch((cause: unknown) => cause))
  return refused
}

test('an attempt that was taken over can write no effect, and no effect is written twice', async () => {
  const { database } = app
  const [id, organizationId] = [randomUUID(), randomUUID()]
  await database.query(Prisma.sql`
    INSERT INTO "IdempotentCall" (id, caller, key, mutation, digest, seed, attempt, "ownerServer", "ownerRun", "expiresAt")
    VALUES (${id}::uuid, 'nobody', ${id}, 'createDeployment', '', '', 2, ${id}::uuid, ${id}::uuid, now() + interval '1 day')`)
  const entry = (attempt: number): Prisma.Sql => {
    const call = { id, attempt, seed: '' }
    const actor: Actor = { kind: 'SYSTEM', name: 'test', [EFFECT]: { call, part: '' } }
    return act(organizationId, actor, 'createDeployment', { kind: DeploymentId, id })
  }
  const late = await refusals(entry(1))
  expect(late.map((cause) => [isTakenOver(cause), String(cause)])).toEqual(
    late.map((cause) => [true, String(cause)]),
  )
  await database.query(entry(2))
  const second = await refusals(entry(2))
  expect(second.map((cause) => [cause instanceof Error, isTakenOver(cause)])).toEqual(
    second.map(() => [true, false]),
  )
  const kept = await database.query(
    Prisma.sql`SELECT "callPart" FROM "AuditEntry" WHERE "callId" = ${id}::uuid`,
  )
  expect(kept).toEqual([{ callPart: '' }])
})
