import {
  CliFindServiceDocument,
  CliServiceHandlesDocument,
  type CliServiceFragment,
} from '../generated/operations/graphql.ts'
import { send, type Server } from './api.ts'
import { listed } from './output.ts'
import { Refusal } from './refusal.ts'

export type Service = CliServiceFragment

/** Finds a service by id, handle or address. Throws a Refusal that names some that exist. */
export async function findService(server: Server, id: string): Promise<Service> {
  const { service } = await send(server, CliFindServiceDocument, { id })
  if (service !== null) return service
  const { services } = await send(server, CliServiceHandlesDocument, {})
  const handles = services.nodes.map(({ handle }) => handle)
  const more = services.pageInfo.hasNextPage ? [...handles.slice(0, 5), 'more'] : handles
  throw new Refusal(
    `There is no service ${JSON.stringify(id)}; ${more.length === 0 ? 'there is none at all yet: make one with `npx millrace deploy`' : `there ${more.length === 1 ? 'is' : 'are'} ${listed(more)}`}.`,
  )
}

/** How many of its instances are ready, of how many. */
export function instancesOf(service: Service): string {
  const ready = service.instances.filter(({ status }) => status === 'READY').length
  return `${ready}/${service.scale.desired}`
}

/** What it runs, and what is on its way. */
export const versionOf = ({ version, targetVersion }: Service): string =>
  targetVersion === null ? version.label : `${version.label} → ${targetVersion.label}`
