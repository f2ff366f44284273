import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { ServiceKind, ServiceStatus } from '../generated/prisma/enums.ts'
import { batched } from '../kit/batched.ts'
import type { JobRow } from '../job-engine/index.ts'
import { jobFields, type PartialJob } from './columns.ts'
import { JobType } from './event-types.ts'

type WaitReason =
  | 'SERVICE_NOT_RUNNING'
  | 'SCHEDULED'
  | 'BACKOFF'
  | 'NO_WORKER'
  | 'LANE_BUSY'
  | 'CONCURRENCY'
  | 'ITS_TURN'
  | 'NO_FREE_WORKER'

/** How far a place in the queue is counted. */
const MAX_PLACES = 1_000

interface WaitingFor {
  readonly reason: WaitReason
  readonly message: string
  readonly position?: number
  readonly until?: Date
}

const WaitReasonType = builder.enumType('WaitReason', {
  description:
    'Reason why a queued job does not run yet. When several apply, the first in this order is reported: SERVICE_NOT_RUNNING, SCHEDULED, BACKOFF, NO_WORKER, LANE_BUSY, CONCURRENCY, ITS_TURN, NO_FREE_WORKER.',
  values: {
    SERVICE_NOT_RUNNING: {
      description: 'The service is deleted or, if it runs as processes, neither READY nor SCALING.',
    },
    SCHEDULED: { description: 'The `runAfter` of the job is in the future.' },
    BACKOFF: {
      description: 'The last attempt failed, and the pause before the next one is not over.',
    },
    NO_WORKER: {
      description:
        'No worker of the queue called within the last minute. Not used for jobs that the server executes itself.',
    },
    LANE_BUSY: { description: 'Another job of the same lane runs.' },
    CONCURRENCY: {
      description: 'The service runs as many jobs as its `concurrency` allows.',
    },
    ITS_TURN: { description: 'Other queued jobs come first.' },
    NO_FREE_WORKER: {
      description:
        'The job is the next of its lane or, without a lane, the next of the jobs without one, and no worker has asked for it yet.',
    },
  } satisfies Record<WaitReason, { description: string }>,
})

const WaitingForType = builder.objectRef<WaitingFor>('WaitingFor').implement({
  description: 'Why a queued job does not run yet.',
  fields: (t) => ({
    reason: t.field({
      type: WaitReasonType,
      description: 'Reason as a code, for programs.',
      resolve: ({ reason }) => reason,
    }),
    message: t.exposeString('message', { description: 'Reason as one sentence, for people.' }),
    position: t.field({
      type: 'SafeInt',
      nullable: true,
      description: `Place among the queued jobs of its lane or, without a lane, among those without one: 1 is the next. Jobs that are scheduled for later do not count. Null above ${MAX_PLACES}, and for SERVICE_NOT_RUNNING, SCHEDULED and BACKOFF.`,
      resolve: ({ position }) => position ?? null,
    }),
    until: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Time from which the job can be claimed. Null except for SCHEDULED and BACKOFF.',
      resolve: ({ until }) => until ?? null,
    }),
  }),
})

interface Facts {
  readonly id: string
  readonly kind: ServiceKind
  readonly status: ServiceStatus
  readonly isDeleted: boolean
  readonly isBuiltIn: boolean
  readonly hasLanes: boolean
  readonly hasWorker: boolean
  readonly isLater: boolean
  readonly isLaneBusy: boolean
  readonly isFull: boolean
  readonly ahead: bigint
}

/**
 * The facts that say why jobs wait, of many jobs with one statement a tick. What is ahead is what a claim would take
 * first: in a lane also the job that waits to be tried again, which keeps its place.
 */
const factsOf = batched<Context, Facts>(({ database }, ids) =>
  database.query(
    Prisma.sql`
      SELECT j.id, s.kind, s.status, s."deletedAt" IS NOT NULL AS "isDeleted", s."isBuiltIn", s."hasLanes",
        j."readyAt" > now() AS "isLater",
        COALESCE(s."lastWorkerAt" > now() - interval '1 minute', false) AS "hasWorker",
        j.lane IS NOT NULL AND EXISTS (
          SELECT FROM "Job" AS r WHERE r."serviceId" = s.id AND r.lane = j.lane AND r.status = 'RUNNING') AS "isLaneBusy",
        CASE WHEN s.concurrency IS NULL THEN false ELSE s.concurrency <= (
          SELECT count(*) FROM "Job" AS r WHERE r."serviceId" = s.id AND r.status = 'RUNNING') END AS "isFull",
        (SELECT count(*) FROM (
          SELECT FROM "Job" AS b WHERE b."serviceId" = j."serviceId" AND b.status = 'QUEUED'
            AND b.lane IS NOT DISTINCT FROM j.lane
            AND (b."readyAt" <= now() OR (b.lane IS NOT NULL AND b.attempt > 0))
            AND (b.priority, b.lane IS NULL AND b."isAwaited", -b.serial)
              > (j.priority, j.lane IS NULL AND j."isAwaited", -j.serial)
          LIMIT ${MAX_PLACES}::int) AS b) AS ahead
      FROM "Job" AS j JOIN "Service" AS s ON s.id = j."serviceId" WHERE j.id = ANY(${ids}::uuid[])`,
    { name: 'waiting-for' },
  ),
)

const WAIT_COLUMNS = ['attempt', 'readyAt', 'runAfter', 'lane'] as const
type Waiting = PartialJob & Pick<JobRow, (typeof WAIT_COLUMNS)[number]>

async function waitingFor(ctx: Context, job: Waiting): Promise<WaitingFor | null> {
  const facts = job.status === 'QUEUED' ? await factsOf(ctx, job.id) : null
  return facts === null ? null : (notNow(job, facts) ?? inItsQueue(job, facts))
}

/** Why a job could not be claimed even if it were the only one. */
function notNow({ attempt, readyAt, runAfter }: Waiting, facts: Facts): WaitingFor | undefined {
  const { kind, status, isDeleted, isLater } = facts
  const reason = 'SERVICE_NOT_RUNNING'
  if (isDeleted) return { reason, message: 'Its service was deleted.' }
  if (kind === 'PROCESS' && status !== 'READY' && status !== 'SCALING')
    return {
      reason,
      message: status === 'STARTING' ? 'Its service is starting.' : 'Its service does not run.',
    }
  if (!isLater) return undefined
  return attempt > 0 && (runAfter === null || readyAt > runAfter)
    ? {
        reason: 'BACKOFF',
        message: 'Its last attempt failed. It is tried again after a pause.',
        until: readyAt,
      }
    : { reason: 'SCHEDULED', message: 'It is scheduled for later.', until: readyAt }
}

function inItsQueue({ lane }: Waiting, facts: Facts): WaitingFor {
  const { kind, isBuiltIn, hasLanes, hasWorker, isLaneBusy, isFull, ahead } = facts
  const position = ahead < BigInt(MAX_PLACES) ? { position: Number(ahead) + 1 } : {}
  const because = (reason: WaitReason, message: string): WaitingFor => ({
    reason,
    message,
    ...position,
  })
  const isDoneByServer = kind === 'PROCESS' || isBuiltIn
  if (!isDoneByServer && !hasWorker)
    return because('NO_WORKER', 'No worker of its queue was seen in the last minute.')
  if (isLaneBusy)
    return because('LANE_BUSY', 'Another job of its lane runs: a lane runs one job at a time.')
  if (isFull)
    return because('CONCURRENCY', 'Its service runs as many jobs as its concurrency allows.')
  if (ahead > 0n)
    return lane === null
      ? because('ITS_TURN', 'Other jobs of its queue come first.')
      : because('ITS_TURN', 'Other jobs of its lane come first, one at a time.')
  const own = hasLanes ? 'among the jobs without a lane' : 'in its queue'
  const first = `It is next ${lane === null ? own : 'in its lane'}`
  return because(
    'NO_FREE_WORKER',
    isDoneByServer
      ? `${first}, and begins when a server has room for it.`
      : `${first}, and waits for a free worker.`,
  )
}

builder.objectField(JobType, 'waitingFor', (t) =>
  t.field({
    type: WaitingForType,
    nullable: true,
    description: 'Reason why the job does not run yet. Null unless its status is QUEUED.',
    ...jobFields.from(WAIT_COLUMNS, (job, _args, ctx) => waitingFor(ctx, job)),
  }),
)
