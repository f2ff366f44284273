import {
  CliFindServiceDocument,
  CliServiceHandlesDocument,
  type CliServiceFragment,
  type Role,
} from '../generated/operations/graphql.ts'
import { isWorker, needs, send, type ServerAccess } from './api.ts'
import { listed } from './output.ts'
import { Refusal } from './refusal.ts'

export type ShownService = CliServiceFragment
/** A service that runs as processes. */
export type ProcessService = Extract<ShownService, { __typename: 'ProcessService' }>

/** A service that runs as processes, which what is asked for needs. Throws a Refusal for any other. */
export function withProcesses(service: ShownService): ProcessService {
  if (service.__typename === 'ProcessService') return service
  throw new Refusal(`${service.handle} is a queue; it has no processes.`)
}

/**
 * Finds a service by id, handle or address, for what needs a role. Throws a Refusal that names some that exist, or the
 * role to a WORKER, who finds none.
 */
export async function findService(
  server: ServerAccess,
  id: string,
  role: Role = 'DEVELOPER',
): Promise<ShownService> {
  const { service } = await send(server, CliFindServiceDocument, { id })
  if (service !== null) return service
  if (await isWorker(server)) throw new Refusal(needs(role))
  const { services } = await send(server, CliServiceHandlesDocument, {})
  const handles = services.nodes.map(({ handle }) => handle)
  const more = services.pageInfo.hasNextPage ? [...handles.slice(0, 5), 'more'] : handles
  throw new Refusal(
    `There is no service ${JSON.stringify(id)}. ${more.length === 0 ? 'There are no services yet: create one with `npx millrace deploy`' : `There ${more.length === 1 ? 'is' : 'are'} ${listed(more)}`}.`,
  )
}

/** How many of its instances are ready, of how many. */
export function instancesOf(service: ShownService): string {
  if (service.__typename !== 'ProcessService') return '-'
  const ready = service.instances.filter(({ status }) => status === 'READY').length
  return `${ready}/${service.scale.desired}`
}

/** What it runs, and what is on its way. */
export function versionOf(service: ShownService): string {
  if (service.__typename !== 'ProcessService') return '-'
  const { version, targetVersion } = service
  return targetVersion === null ? version.label : `${version.label} → ${targetVersion.label}`
}
