import type { Database } from '../db/database.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { AttemptOutcome } from '../generated/prisma/enums.ts'
import { jobColumns } from './columns.ts'
import { isOfOneOf, isThere, type JobRow } from './row.ts'

/** The jobs with these keys in these organizations; those that have expired are not there. */
export const findJobs = (
  database: Database,
  ids: readonly string[],
  organizationIds: readonly string[],
): Promise<JobRow[]> =>
  database.read(
    Prisma.sql`
      SELECT ${jobColumns('j')} FROM "Job" AS j WHERE j.id = ANY(${[...ids]}::uuid[])
        AND ${isOfOneOf('j', organizationIds)} AND ${isThere('j')}`,
    'jobs-by-id',
  )

/** What became of the attempt that a fence belongs to. */
export interface AttemptState {
  readonly outcome: AttemptOutcome | null
  readonly lines: bigint
}

export async function findAttempt(
  database: Database,
  jobId: string,
  fence: string,
): Promise<AttemptState | undefined> {
  const [row] = await database.read<AttemptState>(
    Prisma.sql`
      SELECT outcome, lines FROM "JobAttempt" WHERE "jobId" = ${jobId}::uuid AND fence = ${fence}`,
    'attempt-by-fence',
  )
  return row
}

/** The parameters and results of jobs, as they are kept. */
export const findValues = (
  database: Database,
  ids: readonly string[],
): Promise<{ id: string; parameters: string | null; result: string | null }[]> =>
  database.query(
    Prisma.sql`SELECT id, parameters, result FROM "Job" WHERE id = ANY(${[...ids]}::uuid[])`,
    { name: 'job-values' },
  )
