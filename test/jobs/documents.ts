import { graphql } from '../generated/index.ts'

/** Whatever a mutation of jobs may answer instead of what it was to do. */
graphql(`
  fragment Problem on Error {
    message
    ... on ValidationError {
      issues {
        path
        message
        rule
      }
    }
    ... on StaleLease {
      attempt
    }
    ... on WrongState {
      state
      allowed
    }
  }
`)

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

export const CreateQueue = graphql(`
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
      ...Problem
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
      ...Problem
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
      ...Problem
    }
  }
`)

export const Claim = graphql(`
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
      ...Problem
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
      ...Problem
    }
  }
`)

export const Complete = graphql(`
  mutation Complete($input: CompleteJobInput!) {
    completeJob(input: $input) {
      __typename
      ... on CompleteJobSuccess {
        job {
          ...JobFields
        }
      }
      ...Problem
    }
  }
`)

export const Fail = graphql(`
  mutation Fail($input: FailJobInput!) {
    failJob(input: $input) {
      __typename
      ... on FailJobSuccess {
        job {
          ...JobFields
        }
      }
      ...Problem
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
      ...Problem
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
      ...Problem
    }
  }
`)

export const Cancel = graphql(`
  mutation Cancel($input: CancelJobInput!) {
    cancelJob(input: $input) {
      __typename
      ... on CancelJobSuccess {
        job {
          ...JobFields
        }
      }
      ...Problem
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
      ...Problem
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
      ...Problem
    }
  }
`)

export const Job = graphql(`
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
          isUnfinished
        }
      }
    }
  }
`)

export const Jobs = graphql(`
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
      ...Problem
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
      ...Problem
    }
  }
`)

export const Board = graphql(`
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

/** What workers say of themselves. */
export const Workers = graphql(`
  query WorkersOfQueue($service: ID!) {
    workers(serviceId: $service) {
      nodes {
        name
        version
        concurrency
      }
    }
  }
`)
