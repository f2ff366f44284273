import { tarGz } from '../archive.ts'
import type { Client } from '../client.ts'
import { CreateDeployment, CreateVersion, Version } from '../operations/deployments.ts'
import { CreateService, ServiceStatus } from '../operations/services.ts'
import { LogPage } from '../operations/streams.ts'
import { succeeded, whole } from '../outcome.ts'
import { until } from '../until.ts'
import type { LogPageQuery } from '../generated/graphql.ts'

let count = 0

/** A deployment with a name nobody else has. */
export async function seedDeployment(client: Client): Promise<{ id: string; handle: string }> {
  const input = { name: `seed ${process.pid} ${(count += 1)}` }
  const { createDeployment } = await client.request(CreateDeployment, { input })
  return succeeded(createDeployment, 'CreateDeploymentSuccess').deployment
}

export type Files = Readonly<Record<string, string>>

/** How a version is run; where nothing is said, `handler` of `main.py`. */
export interface Run {
  readonly label?: string
  readonly image?: string
  readonly handler?: string
  readonly command?: string
}

/** A version that waits for its archive, and where to send that. */
export async function waitingVersion(client: Client, deploymentId: string, run: Run = {}) {
  const input = { deploymentId, label: run.label ?? `v${(count += 1)}`, ...run }
  const { createDeploymentVersion } = await client.request(CreateVersion, { input })
  const made = succeeded(createDeploymentVersion, 'CreateDeploymentVersionSuccess')
  return { id: made.version.id, url: made.upload.url ?? '' }
}

/** Sends bytes to an upload: the status and what a failure says. */
export async function send(url: string, bytes: Uint8Array) {
  const response = await fetch(url, { method: 'PUT', body: new Uint8Array(bytes) })
  const text = await response.text()
  const body: unknown = text === '' ? undefined : JSON.parse(text)
  return { status: response.status, body }
}

/** A version that is READY, made of these files. */
export async function seedVersion(
  client: Client,
  deploymentId: string,
  files: Files,
  run: Run = {},
): Promise<string> {
  const { id, url } = await waitingVersion(client, deploymentId, run)
  const { status, body } = await send(url, await tarGz(files))
  if (status >= 300) throw new Error(`upload: ${status} ${JSON.stringify(body)}`)
  return id
}

/** A version that must be there. */
export async function versionOf(client: Client, id: string) {
  const { deploymentVersion } = await client.request(Version, { id })
  if (deploymentVersion === null) throw new Error(`There is no version ${id}.`)
  return deploymentVersion
}

/** What a service is made with besides its version. */
export interface ServiceOptions {
  readonly desired?: number
  readonly environment?: { name: string; value: string }[]
}

/** A service of a version, not waited for. */
export async function seedService(
  client: Client,
  versionId: string,
  { desired = 1, environment = [] }: ServiceOptions = {},
): Promise<{ id: string; handle: string; invokeUrl: string }> {
  const process = { versionId, scale: { desired }, environment }
  const input = { name: `seed ${(count += 1)}`, backend: { process } }
  const { createService } = await client.request(CreateService, { input })
  const { service } = succeeded(createService, 'CreateServiceSuccess')
  return { ...service, invokeUrl: whole(service)?.invokeUrl ?? '' }
}

/** Waits for a status; a service that fails instead says why. */
export async function becomes(client: Client, id: string, wanted: string): Promise<void> {
  await until(async () => {
    const { service } = await client.request(ServiceStatus, { id })
    if (service?.status === 'FAILED' && wanted !== 'FAILED')
      throw new Error(`The service failed: ${service.statusReason}`)
    return service?.status === wanted
  })
}

/** A service of these files that is READY. */
export async function runningService(
  client: Client,
  files: Files,
  { desired, environment, ...run }: Run & ServiceOptions = {},
) {
  const deployment = await seedDeployment(client)
  const versionId = await seedVersion(client, deployment.id, files, run)
  const service = await seedService(client, versionId, { desired, environment })
  await becomes(client, service.id, 'READY')
  return { ...service, deploymentId: deployment.id, versionId }
}

type LogsPage = NonNullable<LogPageQuery['service']>['logs']

/** A line of a log. */
export type Line = LogsPage['nodes'][number]

/** The lines of a service's log, by pages from the first. */
export async function linesOf(client: Client, id: string): Promise<LogsPage['nodes']> {
  const lines: LogsPage['nodes'] = []
  let after: string | null | undefined = null
  for (;;) {
    const { service }: { service?: { logs: LogsPage } | null } = await client.request(LogPage, {
      id,
      first: 1000,
      after,
    })
    lines.push(...(service?.logs.nodes ?? []))
    if (!service?.logs.pageInfo.hasNextPage) return lines
    after = service.logs.pageInfo.endCursor
  }
}

/** All that a service has in its log, as one text. */
export const logOf = async (client: Client, id: string): Promise<string> =>
  (await linesOf(client, id)).map(({ text }) => text).join('\n')
