import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { ServiceKind, ServiceStatus } from '../generated/prisma/enums.ts'
import { batched } from '../kit/batched.ts'
import type { JobRow } from '../job-engine/index.ts'
import { jobFields, type PartialJob } from './columns.ts'
import { JobType } from './event-types.ts'

type WaitReason =
  | 'ITS_TURN'
  | 'NO_WORKER'
  | 'CONCURRENCY'
  | 'SCHEDULED'
  | 'BACKOFF'
  | 'SERVICE_STOPPED'

/** How far a place in the queue is counted. */
const MAX_PLACES = 1_000

interface WaitingFor {
  readonly reason: WaitReason
  readonly message: string
  readonly position?: number
  readonly until?: Date
}

const WaitReasonType = builder.enumType('WaitReason', {
  description: 'Reasons to wait.',
  values: {
    ITS_TURN: { description: 'Others come first.' },
    NO_WORKER: { description: 'No worker of its queue was seen in the last minute.' },
    CONCURRENCY: { description: 'As many jobs of its service run as may.' },
    SCHEDULED: { description: 'It is for later.' },
    BACKOFF: { description: 'It failed, and is tried again after a pause.' },
    SERVICE_STOPPED: { description: 'Its service does not run.' },
  } satisfies Record<WaitReason, { description: string }>,
})

const WaitingForType = builder.objectRef<WaitingFor>('WaitingFor').implement({
  description: 'Why a queued job does not run yet.',
  fields: (t) => ({
    reason: t.field({
      type: WaitReasonType,
      description: 'For programs.',
      resolve: ({ reason }) => reason,
    }),
    message: t.exposeString('message', { description: 'One sentence for people.' }),
    position: t.field({
      type: 'SafeInt',
      nullable: true,
      description: `How many come first, itself included; null beyond ${MAX_PLACES}.`,
      resolve: ({ position }) => position ?? null,
    }),
    until: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it may be claimed, if that is known.',
      resolve: ({ until }) => until ?? null,
    }),
  }),
})

interface Facts {
  readonly id: string
  readonly kind: ServiceKind
  readonly status: ServiceStatus
  readonly isDeleted: boolean
  readonly hasWorker: boolean
  readonly isLater: boolean
  readonly isFull: boolean
  readonly ahead: bigint
}

/** The facts that say why jobs wait, of many jobs with one statement a tick. */
const factsOf = batched<Context, Facts>(({ database }, ids) =>
  database.query(
    Prisma.sql`
      SELECT j.id, s.kind, s.status, s."deletedAt" IS NOT NULL AS "isDeleted", j."readyAt" > now() AS "isLater",
        COALESCE(s."lastWorkerAt" > now() - interval '1 minute', false) AS "hasWorker",
        CASE WHEN s.concurrency IS NULL THEN false ELSE s.concurrency <= (
          SELECT count(*) FROM "Job" AS r WHERE r."serviceId" = s.id AND r.status = 'RUNNING') END AS "isFull",
        (SELECT count(*) FROM (
          SELECT FROM "Job" AS b WHERE b."serviceId" = j."serviceId" AND b.status = 'QUEUED'
            AND b.lane IS NOT DISTINCT FROM j.lane
            AND (b.priority, b.lane IS NULL AND b."isAwaited", -b.serial)
              > (j.priority, j.lane IS NULL AND j."isAwaited", -j.serial)
          LIMIT ${MAX_PLACES}::int) AS b) AS ahead
      FROM "Job" AS j JOIN "Service" AS s ON s.id = j."serviceId" WHERE j.id = ANY(${ids}::uuid[])`,
    { name: 'waiting-for' },
  ),
)

const WAIT_COLUMNS = ['attempt', 'readyAt', 'lane'] as const

async function waitingFor(
  ctx: Context,
  job: PartialJob & Pick<JobRow, (typeof WAIT_COLUMNS)[number]>,
): Promise<WaitingFor | null> {
  const facts = job.status === 'QUEUED' ? await factsOf(ctx, job.id) : null
  if (facts === null) return null
  const { kind, status, isDeleted, isLater, hasWorker, isFull, ahead } = facts
  const isStopped = kind === 'PROCESS' && !['STARTING', 'READY', 'SCALING'].includes(status)
  if (isDeleted || isStopped)
    return { reason: 'SERVICE_STOPPED', message: 'Its service does not run.' }
  if (isLater) {
    const isAgain = job.attempt > 0
    return {
      reason: isAgain ? 'BACKOFF' : 'SCHEDULED',
      message: isAgain ? 'It is tried again after a pause.' : 'It is for later.',
      until: job.readyAt,
    }
  }
  if (kind === 'QUEUE' && !hasWorker)
    return { reason: 'NO_WORKER', message: 'No worker was seen in the last minute.' }
  if (isFull) return { reason: 'CONCURRENCY', message: 'As many jobs of its service run as may.' }
  const position = ahead < BigInt(MAX_PLACES) ? { position: Number(ahead) + 1 } : {}
  const message =
    job.lane === null ? 'Others come first.' : 'Others of its lane come first, one at a time.'
  return { reason: 'ITS_TURN', message, ...position }
}

builder.objectField(JobType, 'waitingFor', (t) =>
  t.field({
    type: WaitingForType,
    nullable: true,
    description: 'Why it does not run yet, while it waits.',
    ...jobFields.from(WAIT_COLUMNS, (job, _args, ctx) => waitingFor(ctx, job)),
  }),
)
