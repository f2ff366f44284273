/**
 * What relay-compiler reads and makes the artifacts in `__generated__` of. In an application these stand in the
 * components, and a plugin of the bundler puts the artifacts in their place; a program without one imports the
 * artifacts by name, and never this file.
 */
import relay from 'relay-runtime'

const { graphql } = relay

export const service = graphql`
  fragment documents_service on Service {
    id
    handle
    status
    revision
  }
`

export const query = graphql`
  query documentsServiceQuery($service: ID!) {
    service(id: $service) {
      id
      asOf
      ...documents_service
    }
  }
`

export const changed = graphql`
  subscription documentsServiceChangedSubscription($service: ID!, $after: String) {
    serviceChanged(serviceId: $service, after: $after) {
      service {
        ...documents_service
      }
      gap {
        from
        to
      }
      end {
        lastNumber
      }
    }
  }
`

export const logs = graphql`
  subscription documentsServiceLogsSubscription($service: ID!, $after: String) {
    serviceLogs(serviceId: $service, after: $after) {
      lines {
        number
        source
        instance
        text
        isUnfinished
      }
      gap {
        from
        to
      }
      end {
        lastNumber
      }
    }
  }
`
