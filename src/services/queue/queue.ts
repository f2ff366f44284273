import { LIMIT_CHOICES, meantBy, theOne, type AnnotationInput } from '../../addresses/index.ts'
import { allow, found, organizationFor, workplacesOf } from '../../auth/viewer.ts'
import { actor, type Context, type Platform } from '../../context.ts'
import { Prisma, type Service } from '../../generated/prisma/client.ts'
import { Forbidden, ValidationError } from '../../kit/errors.ts'
import { create, hint, update } from '../../kinds/index.ts'
import { advance, recorded, type NewEvent } from '../../streams/index.ts'
import { changed } from '../change.ts'
import { keepSchemas, readFunctions, TIMEOUT_SECONDS, type FunctionInput } from '../functions.ts'
import { given } from '../make.ts'
import { services } from '../service.ts'
import { changeService } from '../store.ts'

/** What a queue is. */
export interface QueueInput {
  readonly functions?: readonly FunctionInput[] | null | undefined
  readonly concurrency?: number | null | undefined
  readonly timeoutSeconds?: number | null | undefined
}

const FUNCTIONS = ['backend', 'queue', 'functions']

/** Makes a queue, UNAVAILABLE until its first worker comes. Being made counts as a check-in (contract topchef 8). */
export async function createQueue(
  ctx: Context,
  queue: QueueInput,
  input: {
    name: string
    handle?: string | null
    description?: string | null
    addresses?: readonly string[] | null
    annotations?: readonly AnnotationInput[] | null
  },
  named: string | undefined,
): Promise<Service> {
  const organizationId = organizationFor(ctx.viewer, 'DEVELOPER', named)
  const { functions, schemas } = await readFunctions(
    ctx,
    given(queue.functions, FUNCTIONS),
    FUNCTIONS,
  )
  await keepSchemas(ctx.database, schemas)
  return create(ctx, services, {
    ...input,
    organizationId,
    action: 'createService',
    changes: [{ field: 'status', to: 'UNAVAILABLE' }],
    values: {
      kind: 'QUEUE',
      status: 'UNAVAILABLE',
      description: input.description ?? '',
      functions: JSON.stringify(functions),
      concurrency: queue.concurrency ?? null,
      timeoutSeconds: queue.timeoutSeconds ?? TIMEOUT_SECONDS,
      lastCheckInAt: Prisma.sql`clock_timestamp()`,
      environment: '[]',
      creator: JSON.stringify(actor(ctx)),
    },
  })
}

/**
 * Changes what is given of a queue; undefined when it has moved on since it was read. Jobs that are there keep the
 * contract they were submitted under.
 */
export async function updateQueue(
  ctx: Context,
  old: Service,
  input: {
    name?: string | null
    description?: string | null
    backend?: { queue?: QueueInput | null } | null
    annotations?: readonly AnnotationInput[] | null
  },
): Promise<Service | undefined> {
  const queue = input.backend?.queue
  const { functions, schemas } = await readFunctions(ctx, queue?.functions ?? [], FUNCTIONS)
  const written = JSON.stringify(queue?.functions ? functions : old.functions)
  await keepSchemas(ctx.database, schemas)
  return update(ctx, services, old, {
    action: 'updateService',
    values: {
      name: input.name ?? old.name,
      description: input.description ?? old.description,
      concurrency: queue?.concurrency === undefined ? old.concurrency : queue.concurrency,
      timeoutSeconds: queue?.timeoutSeconds ?? old.timeoutSeconds,
    },
    set: [Prisma.sql`functions = ${written}::jsonb`],
    changes: queue?.functions ? [{ field: 'functions', to: functions.map((one) => one.name) }] : [],
    where: Prisma.sql`AND t.revision = ${old.revision}::bigint`,
    annotations: input.annotations,
  })
}

/** By id, handle or address, where the viewer may work; null for the absent and the foreign alike. Throws Ambiguous. */
export async function serviceOfWorker(ctx: Context, text: string): Promise<Service | null> {
  const organizations = workplacesOf(ctx.viewer)
  const meant = await meantBy(ctx, services, 's', text, organizations)
  if (meant === null) return null
  const { form, where } = meant
  const rows = await ctx.database.read<Service>(
    Prisma.sql`
      SELECT s.* FROM "Service" AS s
      WHERE s."organizationId" = ANY(${organizations}::uuid[]) AND s."deletedAt" IS NULL AND ${where}
      ORDER BY s.serial ${LIMIT_CHOICES}`,
    `service-of-worker-by-${form}`,
  )
  return theOne(ctx, services, text, rows)
}

/** A queue that the viewer may work for; throws NotFound, Ambiguous, and ValidationError for another kind of service. */
export async function queueFor(ctx: Context, id: string): Promise<Service> {
  const service = found(await serviceOfWorker(ctx, id), 'service', id)
  allow(ctx.viewer, 'WORKER', service.organizationId)
  if (service.isBuiltIn)
    throw new Forbidden('ADMIN', 'Built-in jobs are done by the server itself.')
  if (service.kind !== 'QUEUE')
    throw new ValidationError([
      {
        path: ['id'],
        message: 'The service is not a queue. Workers can claim jobs only from a queue.',
        rule: 'kind',
      },
    ])
  return service
}

/** The workers of a queue say that they are there, and whether they take jobs. */
export async function checkInService(
  ctx: Context,
  input: { id: string; isAvailable?: boolean | null },
): Promise<Service> {
  const old = await queueFor(ctx, input.id)
  const isAvailable = input.isAvailable ?? old.isAvailable
  const changes = [
    ...changed('isAvailable', old.isAvailable, isAvailable),
    ...changed('status', old.status, 'READY'),
  ]
  const checkedIn = await changeService(
    ctx,
    old.id,
    Prisma.sql`, "lastCheckInAt" = clock_timestamp(), "isAvailable" = ${isAvailable}::boolean,
      status = 'READY', "statusReason" = NULL`,
    { actor: actor(ctx), events: [{ kind: 'CHECKED_IN', changes }] },
  )
  return found(checkedIn, 'service', input.id)
}

const lastHeard = Prisma.sql`GREATEST(t."lastCheckInAt", t."lastWorkerAt")`

/** Marks queues whose workers have come, and those whose workers have been silent for too long. */
export async function sweepQueues(
  platform: Pick<Platform, 'database' | 'hub' | 'bus'>,
  by: Parameters<typeof recorded>[1]['actor'],
): Promise<void> {
  const sweep = async (
    to: 'READY' | 'UNAVAILABLE',
    reason: string | null,
    condition: Prisma.Sql,
    events: readonly NewEvent[],
  ): Promise<void> => {
    const rows = await platform.database.query<Service>(
      recorded(
        Prisma.sql`
          UPDATE "Service" AS t SET ${advance(events)}, status = ${to}::"ServiceStatus", "statusReason" = ${reason}
          WHERE t.kind = 'QUEUE' AND t."deletedAt" IS NULL AND NOT t."isBuiltIn" AND t.status <> ${to}::"ServiceStatus" AND ${condition}
          RETURNING t.*`,
        { actor: by, events },
      ),
    )
    for (const row of rows) hint(platform, services, row, {})
  }
  const limit = Prisma.sql`make_interval(secs => COALESCE(t."timeoutSeconds", ${TIMEOUT_SECONDS}::int))`
  await sweep('READY', null, Prisma.sql`t."lastWorkerAt" > now() - ${limit}`, [
    {
      kind: 'STATUS_CHANGED',
      changes: [{ field: 'status', from: 'UNAVAILABLE', to: 'READY' }],
      message: 'a worker came',
    },
  ])
  await sweep(
    'UNAVAILABLE',
    'Its workers are silent.',
    Prisma.sql`${lastHeard} <= now() - ${limit}`,
    [{ kind: 'TIMED_OUT', changes: [{ field: 'status', from: 'READY', to: 'UNAVAILABLE' }] }],
  )
}
