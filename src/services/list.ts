import type { Context } from '../context.ts'
import { deployments } from '../deployments/index.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { ServiceKind, ServiceStatus } from '../generated/prisma/enums.ts'
import type { AskedFields } from '../graph/look-ahead.ts'
import type { PageQuery } from '../graph/ordered.ts'
import { called, containing, keysOf, knownTo } from '../kinds/index.ts'
import type { FrontName } from '../rest/fronts.ts'
import { selectionFor, type PartialService } from './columns.ts'
import { services } from './service.ts'

/** Which services; lists mean any of. */
interface ServiceFilter {
  readonly deploymentIds?: readonly string[] | null | undefined
  readonly fronts?: readonly FrontName[] | null | undefined
  readonly kinds?: readonly ServiceKind[] | null | undefined
  readonly names?: readonly string[] | null | undefined
  readonly statuses?: readonly ServiceStatus[] | null | undefined
  readonly text?: string | null | undefined
}

/** A filter as conditions on `s`; statements with the same `form` differ in nothing but their values. */
interface Chosen {
  readonly form: string
  readonly where: Prisma.Sql
}

/** The conditions of a filter on services of these organizations. Throws Ambiguous. */
export async function chosenBy(
  ctx: Context,
  filter: ServiceFilter | null | undefined,
  organizations: readonly string[],
): Promise<Chosen> {
  const { deploymentIds, kinds, names, statuses, text } = filter ?? {}
  const keys = deploymentIds && (await keysOf(ctx, deployments, deploymentIds, organizations))
  const fronts = filter?.fronts && [...new Set(filter.fronts)].toSorted()
  const criteria: Readonly<Record<string, Prisma.Sql | undefined>> = {
    deployments: keys ? Prisma.sql`s."deploymentId" = ANY(${keys}::uuid[])` : undefined,
    // the statement has their conditions, and no values
    [`fronts-${fronts?.join('+')}`]: knownTo(services, fronts, 's'),
    kinds: kinds ? Prisma.sql`s.kind = ANY(${[...kinds]}::"ServiceKind"[])` : undefined,
    names: called(names, 's'),
    statuses: statuses
      ? Prisma.sql`s.status = ANY(${[...statuses]}::"ServiceStatus"[])`
      : undefined,
    text: containing(text, 's'),
  }
  const parts = Object.entries(criteria).flatMap(([form, sql]) => (sql ? [{ form, sql }] : []))
  return {
    form: parts.map(({ form }) => form).join('-'),
    where: Prisma.join(
      [Prisma.sql`s."deletedAt" IS NULL`, ...parts.map(({ sql }) => sql)],
      ' AND ',
    ),
  }
}

/**
 * The services of a page of these organizations, which must be the viewer's, as far as they are `asked` for: one named
 * statement, for every console asks.
 */
export async function listServices(
  { database }: Context,
  organizationIds: readonly string[],
  { form, where }: Chosen,
  page: PageQuery,
  asked: AskedFields,
): Promise<PartialService[]> {
  const selection = selectionFor(asked)
  const rows = await database.read<PartialService>(
    Prisma.sql`
      SELECT ${selection.columns} FROM "Service" AS s ${selection.join}
      WHERE s."organizationId" = ANY(${organizationIds}::uuid[]) AND ${where} ${page.within}
      ${page.orderBy} ${page.limit}`,
    `services-by-${page.form}-${form}-${selection.key}`,
  )
  return selection.complete(rows)
}

/** How many services of these organizations are chosen. */
export async function countServices(
  { database }: Context,
  organizationIds: readonly string[],
  { where }: Chosen,
): Promise<number> {
  const [row] = await database.query<{ count: bigint }>(
    Prisma.sql`
      SELECT count(*) FROM "Service" AS s
      WHERE s."organizationId" = ANY(${[...organizationIds]}::uuid[]) AND ${where}`,
  )
  return Number(row?.count ?? 0)
}
