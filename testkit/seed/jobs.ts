import { randomUUID } from 'node:crypto'
import type {
  ServiceFunctionInput,
  JobFilter,
  SubmitJobInput,
  SubmitJobsItem,
  ClaimJobsInput,
} from '../generated/graphql.ts'
import type { Client } from '../client.ts'
import {
  Board,
  Cancel,
  Job,
  JobCounts,
  Jobs,
  JobStatus,
  Submit,
  SubmitMany,
} from '../operations/jobs.ts'
import { CreateService } from '../operations/services.ts'
import { Claim, Complete, Fail } from '../operations/workers.ts'
import { succeeded } from '../outcome.ts'
import { until } from '../until.ts'

/** The answer to createService for a queue with these functions. */
export async function createQueue(
  client: Client,
  functions: ServiceFunctionInput[] = [{}],
  more: { concurrency?: number; timeoutSeconds?: number } = {},
) {
  const input = { name: `queue ${randomUUID()}`, backend: { queue: { functions, ...more } } }
  return (await client.request(CreateService, { input })).createService
}

/** A queue with one function that takes anything. */
export async function seedQueue(
  client: Client,
  functions?: ServiceFunctionInput[],
  more?: { concurrency?: number; timeoutSeconds?: number },
): Promise<string> {
  const made = await createQueue(client, functions, more)
  return succeeded(made, 'CreateServiceSuccess').service.id
}

/** A job that must be accepted. */
export async function submit(
  client: Client,
  serviceId: string,
  more: Partial<SubmitJobInput> = {},
) {
  const { submitJob } = await client.request(Submit, {
    input: { serviceId, parameters: {}, ...more },
  })
  return succeeded(submitJob, 'SubmitJobSuccess').job
}

/** Jobs that must be accepted, all at once; answers their ids. */
export async function submitMany(
  client: Client,
  serviceId: string,
  jobs: Partial<SubmitJobsItem>[],
): Promise<string[]> {
  const { submitJobs } = await client.request(SubmitMany, {
    input: { jobs: jobs.map((one) => ({ serviceId, parameters: {}, ...one })) },
  })
  return succeeded(submitJobs, 'SubmitJobsSuccess').jobs.map(({ id }) => id)
}

/** What a claim is given. */
export async function claim(client: Client, serviceId: string, more: Partial<ClaimJobsInput> = {}) {
  const input = { serviceIds: [serviceId], worker: 'w', claimId: randomUUID(), ...more }
  const { claimJobs } = await client.request(Claim, { input })
  return succeeded(claimJobs, 'ClaimJobsSuccess').leases
}

/** The one job that a claim must be given. */
export async function claimOne(
  client: Client,
  serviceId: string,
  more: Partial<ClaimJobsInput> = {},
) {
  const [lease] = await claim(client, serviceId, { waitSeconds: 10, ...more })
  if (lease === undefined) throw new Error('No job was given.')
  return { ...lease, jobId: lease.job.id }
}

/** A job that must be there. */
export async function read(client: Client, id: string) {
  const { job } = await client.request(Job, { id })
  if (!job) throw new Error(`There is no job ${id}.`)
  return job
}

/** Waits until a job has a status. */
export const jobBecomes = (client: Client, id: string, status: string): Promise<void> =>
  until(async () => (await client.request(JobStatus, { id })).job?.status === status)

/** Waits until all jobs of a queue have ended; answers how many in which way. */
export async function settled(client: Client, queueId: string) {
  const look = async () => (await client.request(JobCounts, { id: queueId })).service?.jobCounts
  let counts = await look()
  await until(async () => {
    counts = await look()
    return counts?.queued === 0 && counts.running === 0
  })
  return counts
}

export const complete = async (
  client: Client,
  { jobId, fence }: { jobId: string; fence: string },
  result?: unknown,
) => (await client.request(Complete, { input: { jobId, fence, result } })).completeJob

export const fail = async (
  client: Client,
  { jobId, fence }: { jobId: string; fence: string },
  more: { message?: string; detail?: unknown; isRetryable?: boolean } = {},
) => (await client.request(Fail, { input: { jobId, fence, message: 'no', ...more } })).failJob

export const cancel = async (client: Client, id: string, reason?: string) =>
  (await client.request(Cancel, { input: { id, reason } })).cancelJob

export const list = async (client: Client, filter: JobFilter) =>
  (await client.request(Jobs, { filter })).jobs

/** What a console shows of a service. */
export async function board(client: Client, id: string) {
  const from = new Date(Date.now() - 3_600_000).toISOString()
  const to = new Date(Date.now() + 3_600_000).toISOString()
  const { service } = await client.request(Board, { id, range: { from, to } })
  if (!service || !('functions' in service)) throw new Error(`There is no queue ${id}.`)
  return service
}
