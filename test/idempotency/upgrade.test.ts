import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migrationsFolder } from '../../src/db/migrations.ts'
import { graphql } from '../../testkit/generated/index.ts'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { TestServer } from '../../testkit/server.ts'
import { inDatabase } from './database.ts'

const MESSAGE = 'There is no service "svc_01m8pqx717eh5agdsnax6a9e98".'
const StopNothing = graphql(`
  mutation StopNothing($input: StopServiceInput!) {
    stopService(input: $input) {
      __typename
      ... on NotFound {
        message
        requestedId
      }
    }
  }
`)

/* Answers that version 0.1 kept. */

let database: TestDatabase
let server: TestServer
beforeAll(async () => {
  database = await testDatabase()
  server = new TestServer(database)
  await server.start()
})
afterAll(async () => {
  await server.end('SIGKILL')
  await database.drop()
})

test('a refusal that was kept before the upgrade is the same after it', async () => {
  const input = { id: 'svc_01m8pqx717eh5agdsnax6a9e98', idempotencyKey: randomUUID() }
  const call = async () => (await server.admin.request(StopNothing, { input })).stopService
  const before = await call()
  expect(before).toEqual({ __typename: 'NotFound', message: MESSAGE, requestedId: input.id })
  await server.end('SIGTERM')
  const script = await readFile(
    join(migrationsFolder, '20261130173500_kept_refusals', 'migration.sql'),
    'utf8',
  )
  const asKept = `UPDATE "IdempotentCall" SET answer = replace(answer, '"requestedId":', '"id":')`
  await inDatabase(database, asKept, script)
  await server.start()
  expect(await call()).toEqual(before)
})
