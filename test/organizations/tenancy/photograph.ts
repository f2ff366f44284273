import { Client } from 'pg'
import { idKind, nounOf } from '../../../src/kit/ids.ts'
import type { TestApp } from '../../../testkit/app.ts'
import { unsigned } from '../../../testkit/unsigned.ts'
import { everything, type Tenant } from './tenant.ts'

/** All that there is of an organization, as text that is equal while nothing of it changes. */
export async function photograph(app: TestApp, tenant: Tenant): Promise<string> {
  const { data, errors } = await everything(tenant.viewers.ADMIN, tenant)
  if (errors.length > 0) throw new Error(JSON.stringify(errors))
  const seen = unsigned(JSON.stringify(data, null, 1))
    // reading uses a token
    .replaceAll(/(lastUsedAt": )"[^"]*"/g, '$1null')
    // time alone changes it
    .replaceAll(/(isConnected": )\w+/g, '$1null')
  return app.database.url === undefined ? seen : seen + (await rowsOf(app.database.url, tenant))
}

/** The rows of all tables that name an object of the organization, but for what reading and leases change. */
async function rowsOf(url: string, { ids }: Tenant): Promise<string> {
  const uuids = Object.values(ids).map((id) => `%${idKind(nounOf(id) ?? '').read(id)}%`)
  const database = new Client(url)
  await database.connect()
  try {
    const tables = await database.query<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.tables
       WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1`,
    )
    const all: string[] = []
    for (const { name } of tables.rows) {
      const { rows } = await database.query<{ row: string }>(
        `SELECT (to_jsonb(t) - 'lastUsedAt' - 'ownedUntil' - 'place')::text AS row FROM "${name}" AS t
         WHERE t::text LIKE ANY ($1) ORDER BY 1`,
        [uuids],
      )
      all.push(name, ...rows.map(({ row }) => row))
    }
    return all.join('\n')
  } finally {
    await database.end()
  }
}
