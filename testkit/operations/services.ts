import { graphql } from '../generated/index.ts'
import type { Client } from '../client.ts'
import { whole } from '../outcome.ts'
import type { UpdateServiceInput } from '../generated/graphql.ts'

/** Services: what is done to them, and what is known of one. */
graphql(`
  fragment ServiceFields on Service {
    id
    name
    handle
    description
    status
    revision
    updatedAt
    ... on ProcessService {
      scale {
        desired
      }
    }
  }
`)

export const CreateService = graphql(`
  mutation CreateService($input: CreateServiceInput!) {
    createService(input: $input) {
      __typename
      ... on CreateServiceSuccess {
        service {
          ...ServiceFields
          ... on ProcessService {
            invokeUrl
          }
        }
        replayed
      }
      ...Problem
    }
  }
`)

export const UpdateService = graphql(`
  mutation UpdateService($input: UpdateServiceInput!) {
    updateService(input: $input) {
      __typename
      ... on UpdateServiceSuccess {
        service {
          ...ServiceFields
        }
      }
      ...Problem
    }
  }
`)

export const StartService = graphql(`
  mutation StartService($input: StartServiceInput!) {
    startService(input: $input) {
      __typename
      ... on StartServiceSuccess {
        service {
          ...ServiceFields
        }
      }
      ...Problem
    }
  }
`)

export const StopService = graphql(`
  mutation StopService($input: StopServiceInput!) {
    stopService(input: $input) {
      __typename
      ... on StopServiceSuccess {
        service {
          ...ServiceFields
        }
        replayed
      }
      ...Problem
    }
  }
`)

export const RestartService = graphql(`
  mutation RestartService($input: RestartServiceInput!) {
    restartService(input: $input) {
      __typename
      ... on RestartServiceSuccess {
        service {
          ...ServiceFields
        }
      }
      ...Problem
    }
  }
`)

export const ScaleService = graphql(`
  mutation ScaleService($input: ScaleServiceInput!) {
    scaleService(input: $input) {
      __typename
      ... on ScaleServiceSuccess {
        service {
          ...ServiceFields
        }
        replayed
      }
      ...Problem
    }
  }
`)

export const DeleteService = graphql(`
  mutation DeleteService($input: DeleteServiceInput!) {
    deleteService(input: $input) {
      __typename
      ... on DeleteServiceSuccess {
        deletedId
      }
      ...Problem
    }
  }
`)

export const RollBack = graphql(`
  mutation RollBack($input: RollBackDeploymentInput!) {
    rollBackDeployment(input: $input) {
      __typename
      ... on RollBackDeploymentSuccess {
        services {
          ...ServiceFields
        }
        replayed
      }
      ...Problem
    }
  }
`)

export const InvokeService = graphql(`
  mutation InvokeService($input: InvokeServiceInput!) {
    invokeService(input: $input) {
      __typename
      ... on InvokeServiceSuccess {
        json
        statusCode
        durationMs
        replayed
      }
      ...Problem
    }
  }
`)

export const OpenService = graphql(`
  mutation OpenService($input: OpenServiceInput!) {
    openService(input: $input) {
      __typename
      ... on OpenServiceSuccess {
        url
        replayed
      }
      ...Problem
    }
  }
`)

export const ServiceStatus = graphql(`
  query ServiceStatus($id: ID!) {
    service(id: $id) {
      status
      statusReason
      revision
      ... on ProcessService {
        pageUrl
      }
    }
  }
`)

/** What runs programs here, and how it keeps them apart. */
export const Runtimes = graphql(`
  query Runtimes {
    runtimes {
      name
      isAvailable
      version
      reason
      isWalled
      unwalledReason
    }
  }
`)

const ServiceDetails = graphql(`
  query ServiceDetails($id: ID!) {
    service(id: $id) {
      ...ServiceFields
      statusReason
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

/** A service with its events and instances; null where it is deleted. */
export const look = async (client: Client, id: string) =>
  whole((await client.request(ServiceDetails, { id })).service)

/** A service that must be there. */
export async function details(client: Client, id: string) {
  const service = await look(client, id)
  if (service === null) throw new Error(`There is no service ${id}.`)
  return service
}

export const stop = (client: Client, id: string) => client.request(StopService, { input: { id } })
export const remove = (client: Client, id: string) =>
  client.request(DeleteService, { input: { id } })
export const update = (client: Client, input: UpdateServiceInput) =>
  client.request(UpdateService, { input })
