import { graphql } from '../generated/index.ts'

export const FollowServiceLog = graphql(`
  subscription SoakServiceLogs($serviceId: ID!, $after: String) {
    serviceLogs(serviceId: $serviceId, after: $after) {
      lines {
        number
        at
        source
        text
      }
    }
  }
`)

export const FollowService = graphql(`
  subscription SoakServiceChanged($serviceId: ID!, $after: String) {
    serviceChanged(serviceId: $serviceId, after: $after) {
      service {
        id
        ... on ProcessService {
          deployment {
            id
          }
        }
      }
      events {
        number
        at
        kind
        actor {
          kind
        }
        changes {
          field
          to
        }
      }
    }
  }
`)

export const FollowDeployment = graphql(`
  subscription SoakDeploymentChanged($deploymentId: ID!, $after: String) {
    deploymentChanged(deploymentId: $deploymentId, after: $after) {
      deployment {
        id
        versions(first: 1) {
          nodes {
            id
          }
        }
      }
      events {
        number
        at
        kind
        actor {
          kind
        }
        changes {
          field
          to
        }
      }
    }
  }
`)

export const FollowQueue = graphql(`
  subscription SoakJobsChanged($serviceId: ID!, $after: String) {
    jobsChanged(serviceId: $serviceId, after: $after) {
      counts {
        queued
      }
      events {
        number
        at
        kind
        job {
          id
          service {
            id
          }
        }
      }
    }
  }
`)

export const FollowJob = graphql(`
  subscription SoakJobChanged($jobId: ID!, $after: String) {
    jobChanged(jobId: $jobId, after: $after) {
      job {
        id
        attempts {
          number
        }
      }
      events {
        number
        at
        kind
        job {
          id
        }
      }
    }
  }
`)

export const FollowJobLog = graphql(`
  subscription SoakJobLogs($jobId: ID!, $after: String) {
    jobLogs(jobId: $jobId, after: $after) {
      lines {
        number
        at
        source
        text
      }
    }
  }
`)

export const FollowHistory = graphql(`
  subscription SoakOrganizationChanged($after: String) {
    organizationChanged(after: $after) {
      activities {
        number
        at
        action
        subjectId
        subject {
          id
        }
        changes {
          field
          to
        }
      }
    }
  }
`)

export const FollowWaiting = graphql(`
  subscription SoakJobQueued($serviceId: ID!) {
    jobQueued(serviceIds: [$serviceId]) {
      waiting
    }
  }
`)

export const ServiceLogPage = graphql(`
  query SoakServiceLogPage($serviceId: ID!, $after: String) {
    service(id: $serviceId) {
      logs(first: 1000, after: $after) {
        nodes {
          number
          at
          source
          text
        }
        pageInfo {
          endCursor
          hasNextPage
        }
      }
    }
  }
`)

export const ServicePage = graphql(`
  query SoakServicePage($serviceId: ID!, $after: String) {
    service(id: $serviceId) {
      events(first: 500, after: $after) {
        nodes {
          number
          at
          kind
          changes {
            field
            to
          }
        }
        pageInfo {
          endCursor
          hasNextPage
        }
      }
    }
  }
`)

export const DeploymentPage = graphql(`
  query SoakDeploymentPage($deploymentId: ID!, $after: String) {
    deployment(id: $deploymentId) {
      events(first: 500, after: $after) {
        nodes {
          number
          at
          kind
          changes {
            field
            to
          }
        }
        pageInfo {
          endCursor
          hasNextPage
        }
      }
    }
  }
`)

export const JobPage = graphql(`
  query SoakJobPage($jobId: ID!, $after: String) {
    job(id: $jobId) {
      events(first: 500, after: $after) {
        nodes {
          number
          at
          kind
          job {
            id
          }
        }
        pageInfo {
          endCursor
          hasNextPage
        }
      }
    }
  }
`)

export const JobLogPage = graphql(`
  query SoakJobLogPage($jobId: ID!, $after: String) {
    job(id: $jobId) {
      logs(first: 1000, after: $after) {
        nodes {
          number
          at
          source
          text
        }
        pageInfo {
          endCursor
          hasNextPage
        }
      }
    }
  }
`)

export const HistoryPage = graphql(`
  query SoakHistoryPage($before: String) {
    activity(last: 500, before: $before) {
      nodes {
        number
        at
        action
        subjectId
        changes {
          field
          to
        }
      }
      pageInfo {
        startCursor
        hasPreviousPage
      }
    }
  }
`)

export const HistoryHead = graphql(`
  query SoakHistoryHead {
    activity(first: 1) {
      nodes {
        number
      }
      pageInfo {
        startCursor
      }
    }
  }
`)

export const SubmitJob = graphql(`
  mutation SoakSubmit($input: SubmitJobInput!) {
    submitJob(input: $input) {
      __typename
      ... on SubmitJobSuccess {
        job {
          id
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

export const DescribeService = graphql(`
  mutation SoakDescribeService($input: UpdateServiceInput!) {
    updateService(input: $input) {
      __typename
      ... on Error {
        code
        message
      }
    }
  }
`)

export const DescribeDeployment = graphql(`
  mutation SoakDescribeDeployment($input: UpdateDeploymentInput!) {
    updateDeployment(input: $input) {
      __typename
      ... on Error {
        code
        message
      }
    }
  }
`)

export const QueueJobs = graphql(`
  query SoakJobs($serviceId: ID!, $after: String) {
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
        events(first: 200) {
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
        endCursor
        hasNextPage
      }
    }
  }
`)

export const QueueCounts = graphql(`
  query SoakCounts($serviceId: ID!) {
    service(id: $serviceId) {
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

export const StopService = graphql(`
  mutation SoakStop($id: ID!) {
    stopService(input: { id: $id }) {
      __typename
    }
  }
`)

export const ServiceState = graphql(`
  query SoakServiceState($id: ID!) {
    service(id: $id) {
      status
      statusReason
      ... on ProcessService {
        version {
          id
        }
        instances {
          status
        }
      }
    }
  }
`)
