import type { Addressed } from '../addresses/index.ts'
import { Prisma, type Job, type Service } from '../generated/prisma/client.ts'
import type { ApartColumn } from './columns.ts'
import type { JobError, JobStatus } from './job.ts'

/** A job as it is handed around: without its parameters and its result, which are read when they are asked for. */
export interface JobRow extends Omit<Job, ApartColumn | 'error'> {
  readonly error: JobError | null
  /** Where they were read along with it, or written just now. */
  readonly parameters?: string | null
  readonly result?: string | null
  /** Read by `countDone`. */
  readonly tally?: bigint | null
  readonly storedAddresses?: Addressed['storedAddresses']
  /** The service it is of, where that need not be looked up. */
  readonly queue?: Service | undefined
}

/** Whether a job of `alias` is there for readers: one that has expired is not, whenever it is removed. */
export const isThere = (alias: string): Prisma.Sql =>
  Prisma.raw(`(${alias}."expiresAt" IS NULL OR ${alias}."expiresAt" > now())`)

/*
 * What must be true of a job that its id leads to, written so that the id alone leads to it: an index of the jobs of
 * one status, or of one organization, has few entries when a plan is made, and a million when the plan is used.
 */

export const isInStatus = (alias: string, status: JobStatus): Prisma.Sql =>
  Prisma.raw(`${alias}.status::text = '${status}'`)

export const isOfOneOf = (alias: string, organizationIds: readonly string[]): Prisma.Sql =>
  Prisma.sql`${Prisma.raw(alias)}."organizationId"::text = ANY(${[...organizationIds]}::text[])`
