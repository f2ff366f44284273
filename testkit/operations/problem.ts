import { graphql } from '../generated/index.ts'

/** Whatever a mutation may answer instead of what it was to do. */
graphql(`
  fragment Problem on UserError {
    code
    message
    ... on ValidationError {
      issues {
        path
        message
        rule
      }
    }
    ... on Conflict {
      field
      existing {
        id
      }
    }
    ... on WrongState {
      state
      allowed
    }
    ... on StaleLease {
      attempt
    }
    ... on QuotaReached {
      limit
      retryAfterSeconds
    }
  }
`)

/** Where a page begins and ends, and whether there is more. */
graphql(`
  fragment Page on PageInfo {
    startCursor
    endCursor
    hasNextPage
    hasPreviousPage
  }
`)
