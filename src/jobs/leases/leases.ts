import { noteRight } from '../../auth/noted-rights.ts'
import { workplacesOf } from '../../auth/viewer.ts'
import type { Context } from '../../context.ts'
import { beat, noteWorker, release, type JobRow } from '../../job-engine/index.ts'
import { jobKey } from '../store.ts'
import { reportOf, workerActor } from './holder.ts'

/** One beat for one held job, as a worker sends it. */
interface BeatInput {
  readonly jobId: string
  readonly fence: string
  readonly fraction?: number | null
  readonly message?: string | null
}

export interface Heartbeat {
  readonly jobId: string
  /** Undefined for a job that is not there. */
  readonly key: string | undefined
  readonly isHeld: boolean
  readonly expiresAt: Date | null
  readonly cancelRequested: boolean
}

/** Extends leases; those that are lost are answered beside those still held. */
export async function heartbeatJobs(
  ctx: Context,
  { worker, jobs: beats }: { worker: string; jobs: readonly BeatInput[] },
): Promise<Heartbeat[]> {
  const keys = await Promise.all(beats.map(({ jobId }) => jobKey(ctx, jobId)))
  const named = beats.flatMap((one, place) => {
    const jobId = keys[place]
    return jobId === undefined ? [] : [{ ...one, jobId }]
  })
  const organizations = workplacesOf(ctx.viewer)
  const held = await beat(ctx, organizations, workerActor(ctx, worker), named)
  for (const { organizationId } of held) noteRight(ctx.viewer, 'WORKER', organizationId)
  const [first] = held
  if (first !== undefined)
    await noteWorker(ctx, {
      organizationId: first.organizationId,
      name: worker,
      serviceIds: [...new Set(held.map(({ serviceId }) => serviceId))].toSorted(),
    })
  const byFence = new Map(held.map((one) => [`${one.id} ${one.fence}`, one]))
  return beats.map(({ jobId, fence }, place) => {
    const one = byFence.get(`${keys[place]} ${fence}`)
    return {
      jobId,
      key: keys[place],
      isHeld: one !== undefined,
      expiresAt: one?.leaseExpiresAt ?? null,
      cancelRequested: one?.cancelRequested ?? false,
    }
  })
}

/** Gives back those that are still held; answers those it gave back. */
export async function releaseJobs(
  ctx: Context,
  { jobs }: { jobs: readonly { jobId: string; fence: string }[] },
): Promise<JobRow[]> {
  const released: JobRow[] = []
  for (const { jobId, fence } of jobs) {
    if ((await jobKey(ctx, jobId)) === undefined) continue
    const job = await release(ctx, await reportOf(ctx, jobId, fence))
    if (job === undefined) continue
    noteRight(ctx.viewer, 'WORKER', job.organizationId)
    released.push(job)
  }
  return released
}
