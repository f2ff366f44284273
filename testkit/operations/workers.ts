import { graphql } from '../generated/index.ts'

/** What workers do: they claim jobs, keep their leases, and say what came of them. */
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

export const Workers = graphql(`
  query WorkersOfQueue($service: ID!) {
    workers(filter: { serviceIds: [$service] }) {
      nodes {
        name
        version
        concurrency
      }
    }
  }
`)
