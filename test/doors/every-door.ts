import { once } from 'node:events'
import { request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Client } from '../../testkit/client.ts'
import { CreateRoute } from '../../testkit/operations/routes.ts'
import { succeeded } from '../../testkit/outcome.ts'

/** The ways to call a service. */
export const everyDoor = ['service', 'route', 'own host'] as const
type DoorName = (typeof everyDoor)[number]

/** Where a service is called. */
interface Door {
  /** Name and port, as `Host` says them. */
  readonly host: string
  /** What stands before the path that is asked for. */
  readonly path: string
}
export type Doors = Readonly<Record<DoorName, Door>>

/** The doors of a service, to which a route is made. */
export async function doorsOf(
  client: Client,
  service: { id: string; invokeUrl: string },
): Promise<Doors> {
  const input = { name: 'every door', serviceIds: [service.id] }
  const { createRoute } = await client.request(CreateRoute, { input })
  const { route } = succeeded(createRoute, 'CreateRouteSuccess')
  const { host, port, pathname } = new URL(service.invokeUrl)
  return {
    service: { host, path: pathname },
    route: { host, path: new URL(route.invokeUrl).pathname },
    'own host': { host: `${service.id.replace('_', '-')}.localhost:${port}`, path: '' },
  }
}

/** Asks by node:http, because fetch lets nobody choose methods and headers. */
export async function ask(
  door: Door,
  method: string,
  path: string,
  headers: OutgoingHttpHeaders,
  body?: string,
) {
  const asking = request({
    hostname: '127.0.0.1',
    port: door.host.split(':')[1],
    method,
    path: `${door.path}${path}` || '/',
    headers: { host: door.host, ...headers },
  }).end(body)
  const [answer] = (await once(asking, 'response')) as [IncomingMessage] // what the event carries
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) }
}
