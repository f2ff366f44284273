import { randomUUID } from 'node:crypto'
import { graphql } from '../generated/index.ts'
import type {
  FunctionInput,
  JobFilter,
  SubmitJobInput,
  ClaimJobsInput,
} from '../generated/graphql.ts'
import type { Client } from '../support/client.ts'
import { succeeded } from '../support/seed.ts'

graphql(`
  fragment JobFields on Job {
    id
    status
    revision
    asOf
    attempt
    priority
    lane
    parameters
    result
    error {
      kind
      message
      detail
    }
    viewerActions
    cancelRequestedAt
    finishedAt
  }
`)

const CreateQueue = graphql(`
  mutation CreateQueue($input: CreateServiceInput!) {
    createService(input: $input) {
      __typename
      ... on CreateServiceSuccess {
        service {
          id
          handle
          status
        }
      }
      ... on Error {
        message
      }
      ... on ValidationError {
        issues {
          path
          message
          rule
        }
      }
    }
  }
`)

export const Submit = graphql(`
  mutation Submit($input: SubmitJobInput!) {
    submitJob(input: $input) {
      __typename
      ... on SubmitJobSuccess {
        replayed
        job {
          ...JobFields
        }
      }
      ... on Error {
        message
      }
      ... on ValidationError {
        issues {
          path
          message
          rule
        }
      }
    }
  }
`)

export const SubmitMany = graphql(`
  mutation SubmitMany($input: SubmitJobsInput!) {
    submitJobs(input: $input) {
      __typename
      ... on SubmitJobsSuccess {
        jobs {
          id
        }
      }
      ... on Error {
        message
      }
      ... on ValidationError {
        issues {
          path
          message
        }
      }
    }
  }
`)

const Claim = graphql(`
  mutation Claim($input: ClaimJobsInput!) {
    claimJobs(input: $input) {
      __typename
      ... on ClaimJobsSuccess {
        leases {
          attempt
          fence
          expiresAt
          job {
            id
            lane
            priority
            function
            parameters
          }
        }
      }
      ... on Error {
        message
      }
      ... on ValidationError {
        issues {
          path
          message
        }
      }
    }
  }
`)

export const Heartbeats = graphql(`
  mutation Heartbeats($input: HeartbeatJobsInput!) {
    heartbeatJobs(input: $input) {
      __typename
      ... on HeartbeatJobsSuccess {
        heartbeats {
          jobId
          isHeld
          expiresAt
          cancelRequested
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

const Complete = graphql(`
  mutation Complete($input: CompleteJobInput!) {
    completeJob(input: $input) {
      __typename
      ... on CompleteJobSuccess {
        job {
          ...JobFields
        }
      }
      ... on StaleLease {
        attempt
      }
      ... on Error {
        message
      }
      ... on ValidationError {
        issues {
          path
          message
          rule
        }
      }
    }
  }
`)

const Fail = graphql(`
  mutation Fail($input: FailJobInput!) {
    failJob(input: $input) {
      __typename
      ... on FailJobSuccess {
        job {
          ...JobFields
        }
      }
      ... on StaleLease {
        attempt
      }
      ... on Error {
        message
      }
    }
  }
`)

export const Release = graphql(`
  mutation Release($input: ReleaseJobsInput!) {
    releaseJobs(input: $input) {
      __typename
      ... on ReleaseJobsSuccess {
        jobs {
          ...JobFields
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const AppendLog = graphql(`
  mutation AppendLog($input: AppendJobLogInput!) {
    appendJobLog(input: $input) {
      __typename
      ... on AppendJobLogSuccess {
        nextLine
      }
      ... on StaleLease {
        attempt
      }
      ... on Error {
        message
      }
    }
  }
`)

const Cancel = graphql(`
  mutation Cancel($input: CancelJobInput!) {
    cancelJob(input: $input) {
      __typename
      ... on CancelJobSuccess {
        job {
          ...JobFields
        }
      }
      ... on WrongState {
        state
        allowed
      }
      ... on Error {
        message
      }
    }
  }
`)

export const Retry = graphql(`
  mutation Retry($input: RetryJobInput!) {
    retryJob(input: $input) {
      __typename
      ... on RetryJobSuccess {
        job {
          ...JobFields
          retryOf {
            id
          }
          root {
            id
          }
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const Amend = graphql(`
  mutation Amend($input: AmendJobInput!) {
    amendJob(input: $input) {
      __typename
      ... on AmendJobSuccess {
        job {
          ...JobFields
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

const Job = graphql(`
  query Job($id: ID!) {
    job(id: $id) {
      ...JobFields
      service {
        id
      }
      labels {
        name
        value
      }
      attempts {
        number
        worker
        outcome
        error {
          kind
          message
        }
      }
      events {
        nodes {
          number
          kind
          attempt
          actor {
            kind
            name
          }
          changes {
            field
            from
            to
          }
        }
      }
      logs {
        nodes {
          number
          attempt
          source
          text
        }
      }
    }
  }
`)

const Jobs = graphql(`
  query Jobs($filter: JobFilter, $orderBy: JobOrder, $first: Int, $after: String) {
    jobs(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        status
      }
    }
  }
`)

/** The answer to createService for a queue with these functions. */
export async function createQueue(
  client: Client,
  functions: FunctionInput[] = [{}],
  more: { concurrency?: number; timeoutSeconds?: number } = {},
) {
  const input = { name: `queue ${randomUUID()}`, backend: { queue: { functions, ...more } } }
  return (await client.request(CreateQueue, { input })).createService
}

/** A queue with one function that takes anything. */
export async function seedQueue(
  client: Client,
  functions?: FunctionInput[],
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
  jobs: Partial<SubmitJobInput>[],
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

export const CancelMany = graphql(`
  mutation CancelMany($input: CancelJobsInput!) {
    cancelJobs(input: $input) {
      __typename
      ... on CancelJobsSuccess {
        matched
        job {
          id
          status
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const RetryMany = graphql(`
  mutation RetryMany($input: RetryJobsInput!) {
    retryJobs(input: $input) {
      __typename
      ... on RetryJobsSuccess {
        matched
        job {
          id
          status
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

const Board = graphql(`
  query Board($id: ID!, $range: TimeRange!) {
    service(id: $id) {
      status
      viewerActions
      jobCounts {
        queued
        running
        succeeded
        failed
        canceled
        oldestQueuedAt
      }
      jobStats(at: $range, stepSeconds: 3600) {
        submitted
        succeeded
        failed
        canceled
        lost
        waitP50Ms
        runP95Ms
      }
      jobs(orderBy: { field: CREATED_AT, direction: ASC }) {
        asOf
        nodes {
          id
          waitingFor {
            reason
            position
            until
          }
        }
      }
      ... on QueueService {
        functions {
          name
          draft
          parametersSchema
          resultSchema
        }
        concurrency
        timeoutSeconds
        lastCheckInAt
        isAvailable
        hasTimedOut
        workers {
          name
          isConnected
          leases {
            nodes {
              id
            }
          }
        }
      }
    }
  }
`)

/** What a console shows of a service. */
export async function board(client: Client, id: string) {
  const from = new Date(Date.now() - 3_600_000).toISOString()
  const to = new Date(Date.now() + 3_600_000).toISOString()
  const { service } = await client.request(Board, { id, range: { from, to } })
  if (!service || !('functions' in service)) throw new Error(`There is no queue ${id}.`)
  return service
}
