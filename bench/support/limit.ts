import { openDatabase } from '../../src/db/open.ts'
import { Prisma } from '../../src/generated/prisma/client.ts'
import { SAMPLE } from './log-service.ts'
import { migrated, type Kind } from './stage.ts'

const BATCH = 500
const MEASURE_MS = 3_000

/**
 * Lines a second of one connection that stores lines and does nothing else: what no way of storing them with this
 * statement can surpass.
 */
export async function bareInserts(kind: Kind): Promise<number> {
  const folder = await migrated(kind)
  const database = await openDatabase({
    ...folder,
    log: { info() {}, warn: console.warn, error: console.error },
  })
  try {
    const texts = Array.from({ length: BATCH }, () => SAMPLE)
    const insert = async (before: number): Promise<unknown> =>
      database.query(
        Prisma.sql`
          INSERT INTO "LogLine" (stream, number, at, source, instance, text)
          SELECT '01900000-0000-7000-8000-000000000000', ${before}::bigint + l.place, clock_timestamp(), 'STDOUT', 0, l.text
          FROM unnest(${texts}::text[]) WITH ORDINALITY AS l(text, place)`,
        { name: 'bare-insert' },
      )
    let stored = 0
    const storeFor = async (ms: number): Promise<number> => {
      const from = stored
      const begun = performance.now()
      while (performance.now() - begun < ms) {
        await insert(stored)
        stored += BATCH
      }
      return ((stored - from) / (performance.now() - begun)) * 1000
    }
    await storeFor(500)
    return await storeFor(MEASURE_MS)
  } finally {
    await database.close()
    await folder.drop()
  }
}
