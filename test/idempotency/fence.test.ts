import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Prisma } from '../../src/generated/prisma/client.ts'
import { EFFECT, type Actor } from '../../src/kit/actor.ts'
import { act, isTakenOver } from '../../src/streams/index.ts'
import { streamApp, type StreamApp } from '../../testkit/stream-app.ts'

let app: StreamApp
beforeAll(async () => {
  app = await streamApp()
})
afterAll(() => app.close())

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
    return act(organizationId, actor, 'createDeployment', `dep:${id}`)
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
