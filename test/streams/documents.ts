import { graphql } from '../generated/index.ts'

export const Logs = graphql(`
  subscription StreamsLogs($id: ID!, $after: String, $last: Int, $filter: LogFilter) {
    serviceLogs(serviceId: $id, after: $after, last: $last, filter: $filter) {
      lines {
        number
        at
        source
        instance
        text
        isUnfinished
      }
      gap {
        from
        to
        reason
      }
      end {
        lastNumber
      }
    }
  }
`)

export const LogPage = graphql(`
  query StreamsLogPage(
    $id: ID!
    $first: Int
    $last: Int
    $after: String
    $before: String
    $offset: Int
    $filter: LogFilter
  ) {
    service(id: $id) {
      logs(
        first: $first
        last: $last
        after: $after
        before: $before
        offset: $offset
        filter: $filter
      ) {
        nodes {
          number
          at
          source
          instance
          text
          isUnfinished
        }
        gap {
          from
          to
          reason
        }
        pageInfo {
          startCursor
          endCursor
          hasNextPage
          hasPreviousPage
        }
        totalCount
      }
    }
  }
`)

export const DeleteService = graphql(`
  mutation StreamsDeleteService($id: ID!) {
    deleteService(input: { id: $id }) {
      __typename
    }
  }
`)

export const ServiceChanged = graphql(`
  subscription StreamsServiceChanged($id: ID!, $after: String) {
    serviceChanged(serviceId: $id, after: $after) {
      service {
        name
        status
        revision
      }
      events {
        number
        kind
      }
      end {
        lastNumber
      }
    }
  }
`)

export const UpdateService = graphql(`
  mutation StreamsUpdateService($id: ID!, $name: String!) {
    updateService(input: { id: $id, name: $name }) {
      __typename
      ... on UpdateServiceSuccess {
        service {
          revision
        }
      }
    }
  }
`)

export const EventGaps = graphql(`
  query StreamsEventGaps($serviceId: ID!, $jobId: ID!, $after: String) {
    service(id: $serviceId) {
      ... on ProcessService {
        events(after: $after) {
          nodes {
            number
          }
          gap {
            from
            to
            reason
          }
        }
      }
    }
    job(id: $jobId) {
      events {
        nodes {
          number
        }
        gap {
          from
          to
          reason
        }
      }
    }
  }
`)

export const ActivityGap = graphql(`
  query StreamsActivityGap($before: String, $last: Int) {
    activity(before: $before, last: $last) {
      nodes {
        number
      }
      gap {
        from
        to
        reason
      }
      pageInfo {
        startCursor
      }
    }
  }
`)
