import { graphql } from '../generated/index.ts'
import { whole } from '../support/seed.ts'
import type { Client } from '../support/client.ts'

/** The operations on services that several test files send. */
export const StartService = graphql(`
  mutation ServicesStart($id: ID!) {
    startService(input: { id: $id }) {
      __typename
      ... on StartServiceSuccess {
        service {
          id
          status
        }
      }
      ... on WrongState {
        state
        allowed
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

export const StopService = graphql(`
  mutation ServicesStop($id: ID!) {
    stopService(input: { id: $id }) {
      __typename
      ... on StopServiceSuccess {
        service {
          id
          status
        }
      }
      ... on WrongState {
        state
        allowed
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

export const RestartService = graphql(`
  mutation ServicesRestart($id: ID!) {
    restartService(input: { id: $id }) {
      __typename
      ... on RestartServiceSuccess {
        service {
          id
          status
        }
      }
      ... on WrongState {
        state
        allowed
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

export const ScaleService = graphql(`
  mutation ServicesScale($id: ID!, $desired: Int!) {
    scaleService(input: { id: $id, scale: { desired: $desired } }) {
      __typename
      ... on ScaleServiceSuccess {
        service {
          status
          scale {
            desired
          }
        }
      }
      ... on ValidationError {
        issues {
          path
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

export const UpdateService = graphql(`
  mutation ServicesUpdate($input: UpdateServiceInput!) {
    updateService(input: $input) {
      __typename
      ... on UpdateServiceSuccess {
        service {
          id
          name
          description
          status
          revision
        }
      }
      ... on Conflict {
        field
        existing {
          id
        }
      }
      ... on ValidationError {
        issues {
          path
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

export const DeleteService = graphql(`
  mutation ServicesDelete($id: ID!) {
    deleteService(input: { id: $id }) {
      __typename
      ... on DeleteServiceSuccess {
        deletedId
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

export const RollBack = graphql(`
  mutation ServicesRollBack($input: RollBackDeploymentInput!) {
    rollBackDeployment(input: $input) {
      __typename
      ... on RollBackDeploymentSuccess {
        services {
          id
        }
      }
      ... on ValidationError {
        issues {
          path
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

const ServiceDetails = graphql(`
  query ServicesDetails($id: ID!) {
    service(id: $id) {
      status
      statusReason
      revision
      events(first: 1000) {
        nodes {
          number
          kind
          message
          changes {
            field
            from
            to
          }
        }
      }
      logs(first: 1000) {
        nodes {
          source
          text
        }
      }
      ... on ProcessService {
        version {
          id
        }
        targetVersion {
          id
        }
        instances {
          id
          ordinal
          status
          restarts
          version {
            id
          }
        }
      }
    }
  }
`)

/** A service that must be there, with its events and its log. */
export async function details(client: Client, id: string) {
  const service = whole((await client.request(ServiceDetails, { id })).service)
  if (service === null) throw new Error(`There is no service ${id}.`)
  return service
}

/** All that a service has in its log, as one text. */
export const logOf = async (client: Client, id: string): Promise<string> =>
  (await details(client, id)).logs.nodes.map(({ text }) => text).join('\n')
