import type { Platform } from '../context.ts'
import {
  JOB_LOG_STREAM,
  JOB_STREAM,
  isFinal,
  ORGANIZATION_JOBS_STREAM,
  SERVICE_JOBS_STREAM,
} from './job.ts'
import type { publishedColumns } from './columns.ts'
import type { JobRow } from './row.ts'

/** Bus topic on which servers hear that jobs of a service can be claimed; the hint says how many. */
export const queuedTopic = (serviceId: string): string => `jobs.queued.${serviceId}`

/** Bus topic on which dispatchers hear the same of a service whose jobs servers do themselves. */
export const DISPATCH = 'jobs.dispatch'

/** A job that has moved; one that was queued with its times. */
type Published = Pick<JobRow, (typeof publishedColumns)[number]> &
  Partial<Pick<JobRow, 'readyAt' | 'updatedAt'>>

/** Publishes that these jobs have moved: hints for those who follow them, and for claims that wait where there are some now. */
export function publishJobs(
  { hub, bus, metrics }: Pick<Platform, 'hub' | 'bus' | 'metrics'>,
  jobs: readonly Published[],
): void {
  const open = new Map<string, number>()
  for (const job of jobs) {
    metrics.count('millrace_job_moves_total', 1, { status: job.status })
    hub.hint(JOB_STREAM, job.id)
    if (isFinal(job.status)) hub.hint(JOB_LOG_STREAM, job.id)
    const { readyAt, updatedAt } = job
    const isReady = job.status === 'QUEUED' && readyAt && updatedAt && readyAt <= updatedAt
    // what has left the running makes room in its lane, and under the limit of its service
    const isRoom = job.status !== 'RUNNING' && (job.lane !== null || job.isLimited)
    if (isReady || isRoom) open.set(job.serviceId, (open.get(job.serviceId) ?? 0) + 1)
  }
  for (const serviceId of new Set(jobs.map((job) => job.serviceId)))
    hub.hint(SERVICE_JOBS_STREAM, serviceId)
  for (const organizationId of new Set(jobs.map((job) => job.organizationId)))
    hub.hint(ORGANIZATION_JOBS_STREAM, organizationId)
  for (const [serviceId, count] of open) {
    bus.publish(queuedTopic(serviceId), String(count))
    bus.publish(DISPATCH, serviceId)
  }
}
