import { hasWord } from '../addresses/index.ts'
import type { Context } from '../context.ts'
import { deployments } from '../deployments/index.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { ServiceKind, ServiceStatus } from '../generated/prisma/enums.ts'
import type { FrontName } from '../rest/fronts.ts'
import type { SerialQuery } from '../graph/connection.ts'
import type { AskedFields } from '../graph/look-ahead.ts'
import { isStorable } from '../kit/names.ts'
import { selectionFor, type PartialService } from './columns.ts'
import { services } from './service.ts'

/** Which services; lists mean any of. */
interface ServiceFilter {
  readonly kinds?: readonly ServiceKind[] | null | undefined
  readonly statuses?: readonly ServiceStatus[] | null | undefined
  readonly deploymentId?: string | null | undefined
  readonly name?: string | null | undefined
  readonly text?: string | null | undefined
  readonly front?: FrontName | null | undefined
}

/** A filter as conditions on `s`; statements with the same `form` differ in nothing but their values. */
interface Chosen {
  readonly form: string
  readonly where: Prisma.Sql
}

/** The conditions of a filter on services of these organizations; a deployment that is not there has none. Throws Ambiguous. */
export async function chosenBy(
  ctx: Context,
  filter: ServiceFilter | null | undefined,
  organizations: readonly string[],
): Promise<Chosen> {
  const { kinds, statuses, deploymentId, name, text, front } = filter ?? {}
  const parts: (readonly [string, Prisma.Sql])[] = []
  if (kinds) parts.push(['kinds', Prisma.sql`s.kind = ANY(${[...kinds]}::"ServiceKind"[])`])
  if (statuses)
    parts.push(['statuses', Prisma.sql`s.status = ANY(${[...statuses]}::"ServiceStatus"[])`])
  // nothing that is stored has such a name
  if (![name ?? '', text ?? ''].every(isStorable)) parts.push(['none', Prisma.sql`false`])
  else if (name != null) parts.push(['name', Prisma.sql`s.name = ${name}`])
  if (text != null && isStorable(text))
    parts.push([
      'text',
      Prisma.sql`(strpos(lower(s.name), lower(${text})) > 0 OR strpos(s.handle, lower(${text})) > 0)`,
    ])
  if (deploymentId != null) {
    const deployment = await deployments.named(ctx, deploymentId, organizations)
    parts.push(['deployment', Prisma.sql`s."deploymentId" = ${deployment?.id ?? null}::uuid`])
  }
  if (front != null) parts.push([front, hasWord(services, front, 's')])
  return {
    form: parts.map(([form]) => form).join('-'),
    where: Prisma.join(
      [Prisma.sql`s."deletedAt" IS NULL`, ...parts.map(([, sql]) => sql)],
      ' AND ',
    ),
  }
}

const LAST_SERIAL = 2n ** 63n - 1n

/**
 * The services of these organizations by age, which must be the viewer's, as far as they are `asked` for: one named
 * statement, for every console asks.
 */
export async function servicesByAge(
  { database }: Context,
  organizationIds: readonly string[],
  { form, where }: Chosen,
  { where: { serial }, orderBy, take, skip }: SerialQuery,
  asked: AskedFields,
): Promise<PartialService[]> {
  const selection = selectionFor(asked)
  const rows = await database.read<PartialService>(
    Prisma.sql`
      SELECT ${selection.columns} FROM "Service" AS s ${selection.join}
      WHERE s."organizationId" = ANY(${organizationIds}::uuid[]) AND ${where}
        AND s.serial > ${serial.gt ?? 0n}::bigint AND s.serial < ${serial.lt ?? LAST_SERIAL}::bigint
      ORDER BY s.serial ${orderBy.serial === 'asc' ? Prisma.sql`ASC` : Prisma.sql`DESC`}
      LIMIT ${take}::int OFFSET ${skip}::int`,
    `services-by-age-${orderBy.serial}-${form}-${selection.key}`,
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
