import { graphql } from '../generated/index.ts'

/** Jobs and queues: what callers and workers do with them, and what is known of them. */
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

graphql(`
  fragment JobEventFields on JobEvent {
    number
    at
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
    job {
      id
    }
  }
`)

graphql(`
  fragment CountFields on JobCounts {
    queued
    running
    succeeded
    failed
    canceled
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
        replayed
        jobs {
          id
        }
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
          ...JobEventFields
        }
      }
      logs {
        nodes {
          ...LineFields
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
        ...Page
      }
      nodes {
        id
        status
        function
        createdAt
      }
    }
  }
`)

/** What is asked again and again until it changes. */
export const JobStatus = graphql(`
  query JobStatus($id: ID!) {
    job(id: $id) {
      status
    }
  }
`)

export const JobCounts = graphql(`
  query JobCounts($id: ID!) {
    service(id: $id) {
      jobCounts {
        ...CountFields
      }
    }
  }
`)

/** Of a queue, what is held against what callers and workers noted. */
export const JobHistories = graphql(`
  query JobHistories($serviceId: ID!, $after: String) {
    jobs(filter: { serviceIds: [$serviceId] }, first: 40, after: $after) {
      nodes {
        id
        status
        parameters
        result
        attempts {
          number
          outcome
        }
        events(first: 1000) {
          nodes {
            number
            kind
          }
        }
        logs(first: 200) {
          nodes {
            attempt
            source
            text
          }
        }
      }
      pageInfo {
        ...Page
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
        ...CountFields
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
