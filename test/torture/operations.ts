import { graphql } from '../generated/gql.ts'

export const SubmitJobs = graphql(`
  mutation TortureSubmit($input: SubmitJobsInput!) {
    submitJobs(input: $input) {
      __typename
      ... on SubmitJobsSuccess {
        replayed
        jobs {
          id
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const Counts = graphql(`
  query TortureCounts($id: ID!) {
    service(id: $id) {
      __typename
      ... on QueueService {
        jobCounts {
          queued
          running
          succeeded
          failed
          canceled
        }
      }
    }
  }
`)

export const JobsPage = graphql(`
  query TortureJobs($serviceId: ID!, $after: String) {
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
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`)

export const Newest = graphql(`
  query TortureNewest($filter: JobFilter!) {
    jobs(filter: $filter, first: 20) {
      nodes {
        id
        status
        function
        createdAt
      }
    }
  }
`)
