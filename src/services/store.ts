import { LIMIT_CHOICES, meantBy, theOne } from '../addresses/index.ts'
import { organizationsOf } from '../auth/viewer.ts'
import type { Context, Platform } from '../context.ts'
import { deployments } from '../deployments/index.ts'
import { Prisma, type Service } from '../generated/prisma/client.ts'
import type { AskedFields } from '../graph/look-ahead.ts'
import { write, type Change } from '../kinds/index.ts'
import { advance, type NewEvent } from '../streams/index.ts'
import { selectionFor, type PartialService } from './columns.ts'
import { wrongState } from './permit.ts'
import { processStatus, serviceMoves, services, type ServiceMove } from './service.ts'

/**
 * By id, or by handle or address in one of `organizations`; null for the absent and the foreign alike. Of the row what
 * is `asked` for, all of it where nothing is said. Throws Ambiguous.
 */
export function serviceNamed(
  ctx: Context,
  text: string,
  asked?: undefined,
  organizations?: readonly string[],
): Promise<Service | null>
export function serviceNamed(
  ctx: Context,
  text: string,
  asked: AskedFields,
): Promise<PartialService | null>
export async function serviceNamed(
  ctx: Context,
  text: string,
  asked?: AskedFields,
  organizations: readonly string[] = organizationsOf(ctx.viewer),
): Promise<PartialService | null> {
  const id = services.kind.read(text)
  if (id !== undefined && asked === undefined) return services.byId(ctx, id)
  const meant = await meantBy(ctx, services, 's', text, organizations)
  if (meant === null) return null
  const { form, where } = meant
  const selection = selectionFor(asked)
  const rows = await ctx.database.read<PartialService>(
    Prisma.sql`
      SELECT ${selection.columns} FROM "Service" AS s ${selection.join}
      WHERE s."organizationId" = ANY(${organizations}::uuid[]) AND s."deletedAt" IS NULL AND ${where}
      ORDER BY s.serial ${LIMIT_CHOICES}`,
    `service-by-${form}-${selection.key}`,
  )
  return theOne(ctx, services, text, selection.complete(rows))
}

/** What a call must know of the service it goes to. */
export type Callee = Pick<
  Service,
  'id' | 'kind' | 'organizationId' | 'status' | 'ownerServer' | 'autoscale' | 'minInstances'
>

/** The same as columns of a table `s`. */
export const calleeColumns = Prisma.sql`s.id, s.kind, s."organizationId", s.status, s."ownerServer", s.autoscale, s."minInstances"`

/**
 * The service a call names, under the deployment it names if any; null for the absent and the foreign alike. One
 * named statement, because every call asks. Throws Ambiguous when several services are called so, under deployments
 * that are.
 */
export async function calleeNamed(
  ctx: Context,
  service: string,
  deployment: string | undefined,
): Promise<Callee | null> {
  const [own, parent] = await Promise.all([
    meantBy(ctx, services, 's', service),
    deployment === undefined ? undefined : meantBy(ctx, deployments, 'd', deployment),
  ])
  if (own === null || parent === null) return null
  const within =
    parent &&
    Prisma.sql`JOIN "Deployment" AS d ON d.id = s."deploymentId" AND d."deletedAt" IS NULL AND ${parent.where}`
  const rows = await ctx.database.read<Callee>(
    Prisma.sql`
      SELECT ${calleeColumns} FROM "Service" AS s ${within ?? Prisma.empty}
      WHERE s."organizationId" = ANY(${organizationsOf(ctx.viewer)}::uuid[]) AND s."deletedAt" IS NULL AND ${own.where}
      ORDER BY s.serial ${LIMIT_CHOICES}`,
    `callee-by-${own.form}-${parent?.form ?? 'alone'}`,
  )
  return theOne(ctx, services, service, rows)
}

/** A service as a call finds it now, whoever may call it; null once deleted. */
export async function calleeById({ database }: Platform, id: string): Promise<Callee | null> {
  const [row] = await database.read<Callee>(
    Prisma.sql`SELECT ${calleeColumns} FROM "Service" AS s WHERE s.id = ${id}::uuid AND s."deletedAt" IS NULL`,
    'callee-now',
  )
  return row ?? null
}

/** What a change of a service writes besides its columns. */
export interface Telling extends Change<Service> {
  readonly events: readonly NewEvent[]
  /** Further conditions; the change happens only where they hold. */
  readonly where?: Prisma.Sql | undefined
}

/** Changes a service that is there, or meets `where`; undefined when the conditions did not hold. */
export const changeService = (
  platform: Platform,
  id: string,
  set: Prisma.Sql,
  { where = Prisma.sql`AND t."deletedAt" IS NULL`, ...change }: Telling,
): Promise<Service | undefined> =>
  write(
    platform,
    services,
    Prisma.sql`
      UPDATE "Service" AS t SET ${advance(change.events)} ${set} WHERE t.id = ${id}::uuid ${where} RETURNING t.*`,
    change,
  )

/** How often a move is decided anew when another came between reading and writing. */
const TRIES = 10

/**
 * Moves a service along its state table: a compare-and-set, so of two that race one moves and the other decides
 * anew by what it then finds. Throws WrongState when the move is not legal. `set` may change more columns.
 */
export async function moveService(
  platform: Platform,
  service: Service,
  move: ServiceMove,
  telling: Omit<Telling, 'where'> & {
    reason?: string | null
    set?: Prisma.Sql
    where?: Prisma.Sql
  },
): Promise<Service | undefined> {
  let seen: Service | null = service
  for (let n = 0; n < TRIES && seen !== null; n += 1) {
    const from = processStatus(seen.status)
    const to = serviceMoves.after(from, move)
    if (to === undefined) throw wrongState(from, serviceMoves.from(move))
    const status: NewEvent = {
      kind: 'STATUS_CHANGED',
      changes: [{ field: 'status', from, to }],
      message: telling.reason ?? undefined,
    }
    const moved = await changeService(
      platform,
      service.id,
      Prisma.sql`, status = ${to}::"ServiceStatus", "statusReason" = ${telling.reason ?? null} ${telling.set ?? Prisma.empty}`,
      {
        ...telling,
        events: [status, ...telling.events],
        where: Prisma.sql`AND t."deletedAt" IS NULL AND t.status = ${from}::"ServiceStatus" ${telling.where ?? Prisma.empty}`,
      },
    )
    if (moved !== undefined) return moved
    seen = await platform.database.prisma.service.findFirst({
      where: { id: service.id, deletedAt: null },
    })
    if (telling.where !== undefined && seen?.status === from) return undefined // the other condition failed
  }
  return undefined
}
