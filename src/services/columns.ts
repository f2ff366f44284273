import { addressesAlong } from '../addresses/index.ts'
import { deploymentColumns, type PartialDeployment } from '../deployments/index.ts'
import { Prisma, type Service } from '../generated/prisma/client.ts'
import { columnsFor, FieldsOver } from '../graph/columns.ts'
import { perPlace, type AskedFields } from '../graph/look-ahead.ts'

/** What is read of every service, whatever is asked of it. */
export const alwaysRead = ['id', 'serial', 'organizationId', 'kind', 'name'] as const
type Always = (typeof alwaysRead)[number]

/** A service as its resolvers see it. */
export type PartialService = Pick<Service, Always>
export const serviceFields = new FieldsOver<Service, Always>()

const serviceColumns = columnsFor<Service>('s', 'Service', { always: alwaysRead })

/** How a statement reads the services that are asked for: what it selects, and what it joins to `s`. */
export interface Selection {
  /** Tells statements apart by their names. */
  readonly key: string
  readonly columns: Prisma.Sql
  readonly join: Prisma.Sql
  /** Gives each row its deployment, where that was read along with it. */
  complete<Row extends PartialService>(rows: Row[]): Row[]
}

const whole: Selection = {
  key: 'whole',
  columns: Prisma.sql`s.*`,
  join: Prisma.empty,
  complete: (rows) => rows,
}

/**
 * What to select for what is asked of services: the columns it takes and, with the same statement, the deployment where
 * that takes none that are wide, so that a list of them is neither wider nor in more pieces than if it were written by hand. Such rows are
 * for resolvers alone.
 */
export const selectionFor = perPlace(whole, selection)

function selection(asked: AskedFields): Selection {
  const own = serviceColumns(asked)
  if (own === undefined) return whole
  const isAddressed = asked.has('address') || asked.has('addresses')
  const key = isAddressed ? `${own.key}-addressed` : own.key
  const columns = isAddressed ? Prisma.sql`${own.sql}, ${addressesAlong('s')}` : own.sql
  const askedOfDeployment = asked.get('deployment')
  const its = askedOfDeployment && deploymentColumns(askedOfDeployment)
  if (its === undefined || its.names.some((name) => WIDE.has(name)))
    return { key, columns, join: Prisma.empty, complete: (rows) => rows }
  const { names } = its
  const joined = names.map((name) => `d."${name}" AS "d.${name}"`).join(', ')
  return {
    key: `${key}-${its.key}`,
    columns: Prisma.sql`${columns}, ${Prisma.raw(joined)}`,
    join: Prisma.sql`LEFT JOIN "Deployment" AS d ON d.id = s."deploymentId"`,
    complete(rows) {
      for (const row of rows) {
        const deployment: Record<string, unknown> = {}
        for (const name of names) deployment[name] = row[`d.${name}` as keyof PartialService]
        if (deployment['id'] !== null) Object.assign(row, { [DEPLOYMENT]: deployment })
      }
      return rows
    },
  }
}

/** Columns of a deployment that are not read once for each of its services. */
const WIDE = new Set(['environment', 'creator'])

const DEPLOYMENT = Symbol('deployment')

/** The deployment that was read along with a service, as far as it was asked for. */
export const deploymentAlong = (service: PartialService): PartialDeployment | undefined =>
  (service as PartialService & { [DEPLOYMENT]?: PartialDeployment })[DEPLOYMENT]
