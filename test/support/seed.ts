import { graphql } from '../generated/index.ts'
import { tarGz } from './archive.ts'
import type { Client } from './client.ts'
import { until } from './until.ts'

const CreateDeployment = graphql(`
  mutation SeedDeployment($input: CreateDeploymentInput!) {
    createDeployment(input: $input) {
      __typename
      ... on CreateDeploymentSuccess {
        deployment {
          id
          handle
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

const CreateVersion = graphql(`
  mutation SeedVersion($input: CreateDeploymentVersionInput!) {
    createDeploymentVersion(input: $input) {
      __typename
      ... on CreateDeploymentVersionSuccess {
        version {
          id
        }
        upload {
          url
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

const CreateService = graphql(`
  mutation SeedService($input: CreateServiceInput!) {
    createService(input: $input) {
      __typename
      ... on CreateServiceSuccess {
        service {
          id
          handle
          ... on ProcessService {
            invokeUrl
          }
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

const ServiceStatus = graphql(`
  query SeedStatus($id: ID!) {
    service(id: $id) {
      status
      statusReason
    }
  }
`)

/** The outcome of a mutation that must be a success. */
export function succeeded<
  Outcome extends { __typename?: string },
  Name extends Outcome['__typename'],
>(outcome: Outcome, name: Name): Extract<Outcome, { __typename?: Name }> {
  if (outcome.__typename !== name) throw new Error(`Not ${name}: ${JSON.stringify(outcome)}`)
  return outcome as Extract<Outcome, { __typename?: Name }> // compared above
}

type KeysOf<Service> = Service extends unknown ? keyof Service : never
type With<Service, Key extends PropertyKey> = Service extends unknown
  ? [Key] extends [keyof Service]
    ? Service
    : never
  : never

/** A service of the kind that has all that was asked for of any: of those that run as processes. */
export function whole<Service extends object>(
  service: Service | null | undefined,
): With<Service, KeysOf<Service>> | null {
  return (service ?? null) as With<Service, KeysOf<Service>> | null // these tests make no other kind
}

let count = 0

/** A deployment with a name nobody else has. */
export async function seedDeployment(client: Client): Promise<{ id: string; handle: string }> {
  const input = { name: `seed ${process.pid} ${(count += 1)}` }
  const { createDeployment } = await client.request(CreateDeployment, { input })
  return succeeded(createDeployment, 'CreateDeploymentSuccess').deployment
}

/** A version that is READY, made of these files. */
export async function seedVersion(
  client: Client,
  deploymentId: string,
  files: Readonly<Record<string, string>>,
  how: { label?: string; image?: string; handler?: string; command?: string } = {},
): Promise<string> {
  const input = { deploymentId, label: how.label ?? `v${(count += 1)}`, ...how }
  const { createDeploymentVersion } = await client.request(CreateVersion, { input })
  const made = succeeded(createDeploymentVersion, 'CreateDeploymentVersionSuccess')
  const body = new Uint8Array(await tarGz(files))
  const response = await fetch(made.upload.url ?? '', { method: 'PUT', body })
  if (!response.ok) throw new Error(`upload: ${response.status} ${await response.text()}`)
  return made.version.id
}

/** A service of a version, not waited for. */
export async function seedService(
  client: Client,
  versionId: string,
  more: { desired?: number; environment?: { name: string; value: string }[] } = {},
): Promise<{ id: string; handle: string; invokeUrl: string }> {
  const { desired = 1, environment = [] } = more
  const process = { versionId, scale: { desired }, environment }
  const input = { name: `seed ${(count += 1)}`, backend: { process } }
  const { createService } = await client.request(CreateService, { input })
  const { service } = succeeded(createService, 'CreateServiceSuccess')
  return { ...service, invokeUrl: whole(service)?.invokeUrl ?? '' }
}

/** Waits for a status; a service that fails instead says why. */
export async function becomes(
  client: Client,
  id: string,
  wanted: string,
  timeoutMs = 20_000,
): Promise<void> {
  await until(
    async () => {
      const { service } = await client.request(ServiceStatus, { id })
      if (service?.status === 'FAILED' && wanted !== 'FAILED')
        throw new Error(`The service failed: ${service.statusReason}`)
      return service?.status === wanted
    },
    { timeoutMs },
  )
}

/** A service of these files that is READY. */
export async function runningService(
  client: Client,
  files: Readonly<Record<string, string>>,
  how: { image?: string; handler?: string; command?: string; desired?: number } = {},
): Promise<{
  id: string
  handle: string
  invokeUrl: string
  deploymentId: string
  versionId: string
}> {
  const { desired, ...run } = how
  const deployment = await seedDeployment(client)
  const versionId = await seedVersion(client, deployment.id, files, run)
  const service = await seedService(client, versionId, desired === undefined ? {} : { desired })
  await becomes(client, service.id, 'READY')
  return { ...service, deploymentId: deployment.id, versionId }
}
