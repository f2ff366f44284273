import { openDatabase } from '../../src/db/open.ts'
import { Prisma } from '../../src/generated/prisma/client.ts'
import type { TestDatabase } from '../../testkit/database/database.ts'

const log = { info: () => {}, warn: () => {}, error: () => {} }

/** Runs statements in a database; in the embedded one while no server has it open. */
export async function inDatabase<Row extends object = object>(
  { url, dataDir }: Pick<TestDatabase, 'url' | 'dataDir'>,
  ...statements: readonly string[]
): Promise<Row[]> {
  const database = await openDatabase({ url, dataDir, log })
  try {
    let rows: Row[] = []
    for (const statement of statements) rows = await database.query<Row>(Prisma.raw(statement))
    return rows
  } finally {
    await database.close()
  }
}

/** From then on whatever is to be written to a call, once it is claimed, runs this first. */
export const guarded = (plpgsql: string): string[] => [
  `CREATE FUNCTION call_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${plpgsql} RETURN NEW; END $$`,
  'CREATE TRIGGER call_guard BEFORE UPDATE ON "IdempotentCall" FOR EACH ROW EXECUTE FUNCTION call_guard()',
]

/** As it was before `guarded`. */
export const unguarded: readonly string[] = [
  'DROP TRIGGER call_guard ON "IdempotentCall"',
  'DROP FUNCTION call_guard',
]
