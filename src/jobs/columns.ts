import { addressesAlong } from '../addresses/index.ts'
import { Prisma, type Job } from '../generated/prisma/client.ts'
import { columnsFor, FieldsOver, neededFor } from '../graph/columns.ts'
import { perPlace, type AskedFields } from '../graph/look-ahead.ts'
import {
  jobColumns,
  leaseColumns,
  publishedColumns,
  type JobRow,
  type MoreColumns,
} from '../job-engine/index.ts'

/** What is read of every job, whatever is asked of it. */
const always = ['id', 'organizationId', 'serviceId', 'status'] as const
/** What may be read along with it. */
type Along = 'queue' | 'storedAddresses'
type Always = (typeof always)[number] | Along

/** A job as its resolvers see it. */
export type PartialJob = Pick<JobRow, Always>
export const jobFields = new FieldsOver<JobRow, Always, Along>()

/** What lists are ordered by besides. */
const ordering = ['serial', 'createdAt', 'startedAt', 'finishedAt', 'priority'] as const
/** A job as a list has it. */
export type ListedJob = PartialJob & Pick<JobRow, (typeof ordering)[number]>

const listed = columnsFor<Job>('j', 'Job', { always: [...always, ...ordering] })
const besidesLease = columnsFor<Job>('j', 'Job', { there: leaseColumns })

/** What the leases of a claim must have for what is asked of their jobs. */
export const moreOfLease = perPlace<MoreColumns>(
  { key: 'lean', names: [] },
  (asked) => besidesLease(asked) ?? { key: 'whole', names: 'all' },
)

/** Whether what is asked of a job that has just moved takes more than is read of every such job. */
export const isMoreThanPublished = perPlace(false, (asked) => {
  const needed = neededFor('Job', asked)
  const published = new Set<string>(publishedColumns)
  return needed === undefined || [...needed].some((name) => !published.has(name))
})

/** What a statement selects of `j`. */
export interface JobSelection {
  /** Tells statements apart by their names. */
  readonly key: string
  readonly sql: Prisma.Sql
}

/** A row without its parameters and its result, which are read when they are asked for. */
const whole: JobSelection = { key: 'whole', sql: jobColumns('j') }

/**
 * What to select for what is asked of jobs: the columns it takes, the values and the addresses along with them. Such
 * rows are for resolvers alone.
 */
export const jobSelection = perPlace(whole, selection)

function selection(asked: AskedFields): JobSelection {
  const own = listed(asked)
  if (own === undefined) return whole
  const isAddressed = asked.has('address') || asked.has('addresses')
  if (!isAddressed) return own
  return { key: `${own.key}-addressed`, sql: Prisma.sql`${own.sql}, ${addressesAlong('j')}` }
}
