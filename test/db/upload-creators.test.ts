import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../src/db/database.ts'
import { openDatabase } from '../../src/db/open.ts'
import { migrationsFolder } from '../../src/db/migrations.ts'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'

/* What the migration makes of the uploads and versions of the version before. */

const ada = { kind: 'USER', name: 'ada' }
const system = { kind: 'SYSTEM', name: 'millrace' }
const readyWith = (archiveSha256: string) => ({ status: 'READY', rejection: null, archiveSha256 })
const organization = randomUUID()
const deployment = randomUUID()

let files: TestDatabase
let db: Database
beforeAll(async () => {
  files = await testDatabase()
  db = await openDatabase({ ...files, log: { info() {}, warn() {}, error: console.error } })
  await db.pool.query('ALTER TABLE "Upload" DROP COLUMN creator')
  await db.pool.query(`INSERT INTO "Organization" (id, handle, name) VALUES ($1, 'o', 'o')`, [
    organization,
  ])
  await db.pool.query(
    `INSERT INTO "Deployment" (id, "organizationId", handle, name, description, environment, creator, "updatedAt")
     VALUES ($1, $2, 'd', 'd', '', '[]', '{}', now())`,
    [deployment, organization],
  )
})
afterAll(async () => {
  await db.close()
  await files.drop()
})

async function version(status: string, archive: string | null): Promise<string> {
  const id = randomUUID()
  await db.pool.query(
    `INSERT INTO "DeploymentVersion" (id, "organizationId", "deploymentId", label, image, parameters, creator,
       status, rejection, "archiveSha256")
     VALUES ($1, $2, $3, 'l', 'python', '[]', $4, $5::"VersionStatus", $6, $7)`,
    [id, organization, deployment, ada, status, status === 'REJECTED' ? 'why' : null, archive],
  )
  return id
}

async function upload(versionId: string | null): Promise<string> {
  const id = randomUUID()
  await db.pool.query(
    `INSERT INTO "Upload" (id, "organizationId", name, "versionId", "expiresAt") VALUES ($1, $2, 'u', $3, now())`,
    [id, organization, versionId],
  )
  return id
}

test('old uploads know who asked for them, and what was READY is so again, with its archive', async () => {
  const refusedLater = await version('REJECTED', 'aa')
  const cutLater = await version('CHECKING', 'bb')
  const [refused, waiting, ready] = [
    await version('REJECTED', null),
    await version('AWAITING_ARCHIVE', null),
    await version('READY', 'cc'),
  ]
  const ofVersion = await upload(waiting)
  const [asked, forgotten] = [await upload(null), await upload(null)]
  await db.pool.query(
    `INSERT INTO "AuditEntry" ("organizationId", actor, action, subject, changes)
     VALUES ($1, $2, 'createUpload', $3, '[]')`,
    [organization, ada, `upl:${asked}`],
  )

  const script = join(migrationsFolder, '20261129190908_upload_creators', 'migration.sql')
  await db.pool.query(await readFile(script, 'utf8'))

  const creators = await db.pool.query('SELECT id, creator FROM "Upload"')
  expect(new Map(creators.rows.map(({ id, creator }) => [id, creator]))).toEqual(
    new Map<string, object>([
      [ofVersion, ada],
      [asked, ada],
      [forgotten, system],
    ]),
  )
  const versions = await db.pool.query(
    'SELECT id, status, rejection, "archiveSha256" FROM "DeploymentVersion"',
  )
  expect(new Map(versions.rows.map(({ id, ...row }) => [id, row]))).toEqual(
    new Map<string, object>([
      [refusedLater, readyWith('aa')],
      [cutLater, readyWith('bb')],
      [ready, readyWith('cc')],
      [refused, { status: 'REJECTED', rejection: 'why', archiveSha256: null }],
      [waiting, { status: 'AWAITING_ARCHIVE', rejection: null, archiveSha256: null }],
    ]),
  )
})
