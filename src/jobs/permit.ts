import {
  allow,
  found,
  isAllowed,
  isWorkerAnywhere,
  isWorkerIn,
  type Viewer,
} from '../auth/viewer.ts'
import { actor, type Context } from '../context.ts'
import type { Service } from '../generated/prisma/client.ts'
import { credentialOf } from '../kit/actor.ts'
import { Forbidden, WrongState } from '../kit/errors.ts'
import { jobActions, type JobAction, type JobRow } from '../job-engine/index.ts'
import type { PartialJob } from './columns.ts'
import { jobAtWork, jobNamed, serviceOfJob } from './store.ts'

type Facts = Pick<JobRow, 'organizationId' | 'status'>

/** Why the viewer may not do this to the job as it is; undefined when nothing stands against it. */
function refusal(
  viewer: Viewer,
  action: JobAction,
  { organizationId, status }: Facts,
): Forbidden | WrongState | undefined {
  const { role, from } = jobActions[action]
  if (!isAllowed(viewer, role, organizationId)) return new Forbidden(role)
  return from.includes(status) ? undefined : wrongState(status, from)
}

/** Throws Forbidden or WrongState unless the viewer may do this to the job as it is. */
export function permitJob(viewer: Viewer, action: JobAction, job: Facts): void {
  allow(viewer, jobActions[action].role, job.organizationId)
  const why = refusal(viewer, action, job)
  if (why !== undefined) throw why
}

type Held = Facts & Pick<JobRow, 'heldBy'>

/** Whether the viewer holds the job, or was the last to. */
const isHolder = (ctx: Context, { heldBy }: Held): boolean =>
  heldBy !== null && heldBy === credentialOf(actor(ctx))

/**
 * Whether whoever is no DEVELOPER may amend the job all the same: when it is a queue's, and waits or is held by the
 * viewer.
 */
const isOwn = (ctx: Context, job: Held, { kind }: Pick<Service, 'kind'>): boolean =>
  kind === 'QUEUE' && (job.status === 'QUEUED' || isHolder(ctx, job))

/** Throws Forbidden unless the viewer may amend the job as it is; built-in ones nobody may. */
export async function permitAmending(ctx: Context, job: JobRow): Promise<void> {
  permitJob(ctx.viewer, 'AMEND', job)
  const service = await serviceOf(ctx, job)
  if (service.isBuiltIn) throw new Forbidden('ADMIN', 'Built-in jobs cannot be amended.')
  if (isOwn(ctx, job, service)) return
  const why =
    'Without the role DEVELOPER you may amend only jobs of queues that are waiting, or that you have claimed yourself.'
  allow(ctx.viewer, 'DEVELOPER', job.organizationId, why)
}

/** What the viewer may do to the job as it is: what `permitJob` and `permitAmending` let through; built-in ones are not looked for. */
export async function jobViewerActions(
  ctx: Context,
  job: PartialJob & Pick<JobRow, 'heldBy'>,
): Promise<JobAction[]> {
  const { viewer } = ctx
  const actions = (['CANCEL', 'RETRY', 'AMEND'] as const).filter(
    (action) => refusal(viewer, action, job) === undefined,
  )
  // whoever is DEVELOPER may amend all of them, so that their services need not be read
  if (isAllowed(viewer, 'DEVELOPER', job.organizationId)) return actions
  const mayAmend =
    (job.status === 'QUEUED' || isHolder(ctx, job)) && isOwn(ctx, job, await serviceOf(ctx, job))
  return mayAmend ? actions : actions.filter((action) => action !== 'AMEND')
}

/** The service of a job, also when it was deleted since. */
export async function serviceOf(
  ctx: Context,
  { id, serviceId, queue }: Pick<JobRow, 'id' | 'serviceId' | 'queue'>,
): Promise<Service> {
  const service = queue ?? (await serviceOfJob(ctx, serviceId))
  if (service === null) throw new Error(`The job ${id} misses its service.`)
  return service
}

/** A job that the viewer works on, or may claim, where it may do no more; null for every other. */
export async function jobForWorker(ctx: Context, text: string): Promise<JobRow | null> {
  if (!isWorkerAnywhere(ctx.viewer)) return null
  const workplaces = ctx.viewer.memberships.flatMap(({ role, organizationId }) =>
    role === 'WORKER' ? [organizationId] : [],
  )
  const job = await jobNamed(ctx, text, workplaces)
  if (job === null) return null
  if (job.status === 'RUNNING') return isHolder(ctx, job) ? job : null
  const { kind, isBuiltIn, deletedAt } = await serviceOf(ctx, job)
  const isClaimable = kind === 'QUEUE' && !isBuiltIn && deletedAt === null
  return job.status === 'QUEUED' && isClaimable ? job : null
}

/** The job that the viewer wants to change. Throws NotFound, and Forbidden for a WORKER that may read it. */
export async function jobToChange(ctx: Context, text: string): Promise<JobRow> {
  const job = await jobNamed(ctx, text)
  if (job === null && (await jobForWorker(ctx, text)) !== null) throw new Forbidden('DEVELOPER')
  return found(job, 'job', text)
}

/**
 * What is read of what came of a job. A WORKER reads it of a job that waits, and of one that it holds or was the last
 * to hold, as the job is now; of others null, also where an earlier answer is repeated.
 */
export function readOutcome<Column extends keyof JobRow, Value>(
  ctx: Context,
  job: PartialJob & Pick<JobRow, Column>,
  read: (job: PartialJob & Pick<JobRow, Column>) => Value | Promise<Value>,
): Value | null | Promise<Value | null> {
  const { viewer } = ctx
  if (!isWorkerAnywhere(viewer) || !isWorkerIn(viewer, job.organizationId)) return read(job)
  return jobAtWork(ctx, job.id).then((now) =>
    now !== null && (now.status === 'QUEUED' || isHolder(ctx, now)) ? read(now) : null,
  )
}

const wrongState = (state: string, allowed: readonly string[]): WrongState =>
  new WrongState(`The job is ${state}; this needs ${allowed.join(' or ')}.`, state, allowed)
