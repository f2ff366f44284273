import { addressesAlong } from '../addresses/index.ts'
import { deploymentColumns } from '../deployments/index.ts'
import { Prisma, type Deployment, type Service } from '../generated/prisma/client.ts'
import { columnsFor } from '../graph/columns.ts'
import { perPlace, type Asked } from '../graph/look-ahead.ts'

const serviceColumns = columnsFor<Service>('s', ['id', 'serial', 'organizationId', 'kind'], {
  id: [],
  name: ['name'],
  handle: ['handle'],
  description: ['description'],
  status: ['status'],
  statusReason: ['statusReason'],
  viewerActions: ['status', 'isBuiltIn'],
  isBuiltIn: ['isBuiltIn'],
  createdAt: ['createdAt'],
  updatedAt: ['updatedAt'],
  asOf: ['revision'],
  revision: ['revision'],
  environment: ['environment', 'deploymentId', 'versionId'],
  scale: ['desiredInstances', 'minInstances', 'maxInstances', 'autoscale', 'targetInFlight'],
  instanceType: ['instanceType'],
  cors: ['cors'],
  deployment: ['deploymentId'],
  version: ['versionId'],
  targetVersion: ['targetVersionId'],
  invokeUrl: ['deploymentId'],
  pageUrl: [],
  functions: ['functions'],
  concurrency: ['concurrency'],
  timeoutSeconds: ['timeoutSeconds'],
  lastCheckInAt: ['lastCheckInAt'],
  isAvailable: ['isAvailable'],
  hasTimedOut: ['lastCheckInAt', 'timeoutSeconds'],
  jobs: [],
  // what is stored of them is read along
  address: [],
  addresses: [],
})

/** How a statement reads the services that are asked for: what it selects, and what it joins to `s`. */
export interface Selection {
  /** Tells statements apart by their names. */
  readonly key: string
  readonly columns: Prisma.Sql
  readonly join: Prisma.Sql
  /** Gives each row its deployment, where that was read along with it. */
  complete<Row extends Service>(rows: Row[]): Row[]
}

const whole: Selection = {
  key: 'whole',
  columns: Prisma.sql`s.*`,
  join: Prisma.empty,
  complete: (rows) => rows,
}

/**
 * What to select for what is asked of services: the columns it takes and, with the same statement, the deployment where
 * that takes few, so that a list of them is neither wider nor in more pieces than if it were written by hand. Rows
 * without all their columns are for resolvers alone.
 */
export const selectionFor = perPlace(whole, selection)

function selection(asked: Asked): Selection {
  const own = serviceColumns(asked)
  if (own === undefined) return whole
  const isAddressed = asked.has('address') || asked.has('addresses')
  const key = isAddressed ? `${own.key}-addressed` : own.key
  const columns = isAddressed ? Prisma.sql`${own.sql}, ${addressesAlong('s')}` : own.sql
  const askedOfDeployment = asked.get('deployment')
  const its = askedOfDeployment && deploymentColumns(askedOfDeployment)
  if (its === undefined) return { key, columns, join: Prisma.empty, complete: (rows) => rows }
  const { names } = its
  const joined = names.map((name) => `d."${name}" AS "d.${name}"`).join(', ')
  return {
    key: `${key}-${its.key}`,
    columns: Prisma.sql`${columns}, ${Prisma.raw(joined)}`,
    join: Prisma.sql`LEFT JOIN "Deployment" AS d ON d.id = s."deploymentId"`,
    complete(rows) {
      for (const row of rows) {
        const deployment: Record<string, unknown> = {}
        for (const name of names) deployment[name] = row[`d.${name}` as keyof Service]
        if (deployment['id'] !== null) Object.assign(row, { [DEPLOYMENT]: deployment })
      }
      return rows
    },
  }
}

const DEPLOYMENT = Symbol('deployment')

/** The deployment that was read along with a service, as far as it was asked for. */
export const deploymentAlong = (service: Service): Deployment | undefined =>
  (service as Service & { [DEPLOYMENT]?: Deployment })[DEPLOYMENT]
