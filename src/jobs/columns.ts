import { addressesAlong } from '../addresses/index.ts'
import { Prisma, type Job } from '../generated/prisma/client.ts'
import { columnsFor } from '../graph/columns.ts'
import { perPlace, type AskedFields } from '../graph/look-ahead.ts'
import { jobColumns, type MoreColumns } from '../job-engine/index.ts'

/** What lists are ordered by, and what says whether a job is the viewer's, is always there. */
const columns = columnsFor<Job>(
  'j',
  ['id', 'serial', 'organizationId', 'serviceId', 'status', 'createdAt', 'finishedAt', 'priority'],
  {
    id: [],
    status: [],
    createdAt: [],
    priority: [],
    function: ['function'],
    parameters: ['parameters', 'parametersKey'],
    result: ['result', 'resultKey'],
    startedAt: ['startedAt'],
    finishedAt: [],
    service: [],
    // what is stored of them is read along
    address: [],
    addresses: [],
  },
)

/** What a claim may be asked for of its jobs without all their columns: what every lease has, and little more. */
const ofLease = columnsFor<Job>('j', [], {
  id: [],
  function: [],
  parameters: [],
  status: [],
  lane: [],
  service: [],
  priority: ['priority'],
  maxAttempts: ['maxAttempts'],
  timeoutSeconds: ['timeoutSeconds'],
  createdAt: ['createdAt'],
  labels: ['labels'],
})

const allOfLease: MoreColumns = { key: 'whole', names: 'all' }

/** What the leases of a claim must have for what is asked of their jobs. */
export const leaseColumns = perPlace<MoreColumns>(
  { key: 'lean', names: [] },
  (asked) => ofLease(asked) ?? allOfLease,
)

/** What a statement selects of `j`. */
export interface JobSelection {
  /** Tells statements apart by their names. */
  readonly key: string
  readonly sql: Prisma.Sql
}

/** A row without its parameters and its result, which are read when they are asked for. */
const whole: JobSelection = { key: 'whole', sql: jobColumns('j') }

/**
 * What to select for what is asked of jobs: few columns where that takes few, the values and the addresses along with
 * them. Rows without all their columns are for resolvers alone.
 */
export const jobSelection = perPlace(whole, selection)

function selection(asked: AskedFields): JobSelection {
  const own = columns(asked)
  if (own === undefined) return whole
  const isAddressed = asked.has('address') || asked.has('addresses')
  if (!isAddressed) return own
  return { key: `${own.key}-addressed`, sql: Prisma.sql`${own.sql}, ${addressesAlong('j')}` }
}
