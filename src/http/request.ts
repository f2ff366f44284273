import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Context, Site } from '../context.ts'
import { reached } from './reached.ts'

/** The context of one request: who asks, from where, and under which name this server was reached. */
export async function contextOf(site: Site, request: IncomingMessage): Promise<Context> {
  const { headers } = request
  const lastEventId = headers['last-event-id']
  const { address, scheme, host } = reached(site.config, request)
  return {
    ...site,
    viewer: await site.authenticator.viewer(headers.authorization),
    requestId: randomUUID(),
    address,
    origin: site.config.publicUrl ?? `${scheme}://${host}`,
    ...(typeof lastEventId === 'string' && lastEventId !== '' ? { lastEventId } : {}),
  }
}
