import type { Platform } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { isInStatus } from './row.ts'

/**
 * A job that is done to many other jobs, step by step. Each statement of a step adds to the job's `tally` how many it
 * has moved, and moves none unless the job is still held under this fence: so the count is exact whenever a server
 * dies, and nobody who has lost the job does any more of it.
 */
export interface BulkJob {
  readonly id: string
  readonly fence: string
  /** The other jobs that a step takes: locked with the job in one order, so that no heartbeat waits for a step that waits for it. */
  readonly ids?: readonly string[]
}

const isHeld = (alias: string, { id, fence }: BulkJob): Prisma.Sql => Prisma.sql`
  ${Prisma.raw(alias)}.id = ${id}::uuid AND ${Prisma.raw(alias)}.fence = ${fence} AND ${isInStatus(alias, 'RUNNING')}`

/** Parts of a statement that is a step: CTEs, of which `added` reads the CTE `moved`, and a condition. */
export function bulkStep(bulk: BulkJob): {
  readonly held: Prisma.Sql
  readonly isHeld: Prisma.Sql
  readonly added: Prisma.Sql
} {
  const { id, ids = [] } = bulk
  return {
    held: Prisma.sql`
      locked AS MATERIALIZED (
        SELECT d.id, ${isHeld('d', bulk)} AS "isBulk" FROM "Job" AS d
        WHERE d.id = ANY(${[id, ...ids]}::uuid[]) ORDER BY d.id FOR UPDATE)`,
    isHeld: Prisma.sql`EXISTS (SELECT FROM locked WHERE locked."isBulk")`,
    added: Prisma.sql`
      stepped AS (
        UPDATE "Job" AS d SET tally = COALESCE(d.tally, 0) + (SELECT count(*) FROM moved)
        FROM locked WHERE d.id = locked.id AND locked."isBulk" AND EXISTS (SELECT FROM moved))`,
  }
}

/** To how many jobs all attempts of this one have been done; undefined when it is not held any more. */
export async function countDone(
  { database }: Pick<Platform, 'database'>,
  bulk: BulkJob,
): Promise<number | undefined> {
  const [row] = await database.query<{ tally: bigint }>(
    Prisma.sql`SELECT COALESCE(d.tally, 0) AS tally FROM "Job" AS d WHERE ${isHeld('d', bulk)}`,
    { name: 'tally-of-job' },
  )
  return row && Number(row.tally)
}
