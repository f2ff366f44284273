import { graphql } from '../generated/index.ts'

/** What streams have in common: events of every kind, lines of logs, and what may be missing of either. */
graphql(`
  fragment EventFields on StreamEvent {
    number
    at
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
`)

graphql(`
  fragment LineFields on LogLine {
    number
    at
    source
    instance
    attempt
    text
    isUnfinished
  }
`)

graphql(`
  fragment GapFields on StreamGap {
    from
    to
    reason
  }
`)

graphql(`
  fragment DeliveryFields on Delivery {
    cursor
    gap {
      ...GapFields
    }
    end {
      lastNumber
    }
  }
`)

export const ServiceLogs = graphql(`
  subscription ServiceLogs($serviceId: ID!, $after: String, $last: Int, $filter: LogFilter) {
    serviceLogs(serviceId: $serviceId, after: $after, last: $last, filter: $filter) {
      lines {
        ...LineFields
      }
      ...DeliveryFields
    }
  }
`)

export const JobLogs = graphql(`
  subscription JobLogs($jobId: ID!, $after: String, $last: Int, $filter: LogFilter) {
    jobLogs(jobId: $jobId, after: $after, last: $last, filter: $filter) {
      lines {
        ...LineFields
      }
      ...DeliveryFields
    }
  }
`)

export const ServiceChanged = graphql(`
  subscription ServiceChanged($serviceId: ID!, $after: String) {
    serviceChanged(serviceId: $serviceId, after: $after) {
      service {
        id
        name
        status
        revision
        ... on ProcessService {
          deployment {
            id
          }
        }
      }
      events {
        ...EventFields
        kind
        message
      }
      ...DeliveryFields
    }
  }
`)

export const JobChanged = graphql(`
  subscription JobChanged($jobId: ID!, $after: String) {
    jobChanged(jobId: $jobId, after: $after) {
      job {
        id
        attempts {
          number
        }
      }
      events {
        ...JobEventFields
      }
      ...DeliveryFields
    }
  }
`)

export const JobsChanged = graphql(`
  subscription JobsChanged($serviceIds: [ID!], $organizationId: ID, $after: String) {
    jobsChanged(serviceIds: $serviceIds, organizationId: $organizationId, after: $after) {
      services {
        id
        jobCounts {
          ...CountFields
        }
      }
      events {
        ...JobEventFields
        job {
          service {
            id
          }
        }
      }
      ...DeliveryFields
    }
  }
`)

export const JobQueued = graphql(`
  subscription JobQueued($serviceIds: [ID!]!) {
    jobQueued(serviceIds: $serviceIds) {
      waiting
    }
  }
`)

export const LogPage = graphql(`
  query LogPage(
    $id: ID!
    $first: Int
    $last: Int
    $after: String
    $before: String
    $from: SafeInt
    $filter: LogFilter
  ) {
    service(id: $id) {
      logs(
        first: $first
        last: $last
        after: $after
        before: $before
        from: $from
        filter: $filter
      ) {
        nodes {
          ...LineFields
        }
        gap {
          ...GapFields
        }
        pageInfo {
          ...Page
        }
        firstNumber
        lastNumber
        totalCount
      }
    }
  }
`)

export const LogUrl = graphql(`
  query LogUrl(
    $id: ID!
    $format: LogFormat! = TEXT
    $filter: LogFilter
    $from: SafeInt
    $to: SafeInt
  ) {
    node(id: $id) {
      __typename
      ... on Service {
        logDownloadUrl(format: $format, filter: $filter, from: $from, to: $to)
      }
      ... on Job {
        logDownloadUrl(format: $format, filter: $filter, from: $from, to: $to)
      }
    }
  }
`)

export const JobLogPage = graphql(`
  query JobLogPage($jobId: ID!, $after: String) {
    job(id: $jobId) {
      logs(first: 1000, after: $after) {
        nodes {
          ...LineFields
        }
        pageInfo {
          ...Page
        }
      }
    }
  }
`)

export const ServiceEvents = graphql(`
  query ServiceEvents($serviceId: ID!, $after: String, $first: Int = 500) {
    service(id: $serviceId) {
      events(first: $first, after: $after) {
        nodes {
          ...EventFields
          kind
          message
        }
        gap {
          ...GapFields
        }
        pageInfo {
          ...Page
        }
      }
    }
  }
`)

export const JobEvents = graphql(`
  query JobEvents($jobId: ID!, $after: String, $first: Int = 500) {
    job(id: $jobId) {
      events(first: $first, after: $after) {
        nodes {
          ...JobEventFields
        }
        gap {
          ...GapFields
        }
        pageInfo {
          ...Page
        }
      }
    }
  }
`)
