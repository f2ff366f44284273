import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Context, Site } from '../context.ts'

/** The context of one request: who asks, and under which name this server was reached. */
export async function contextOf(site: Site, request: IncomingMessage): Promise<Context> {
  const { headers } = request
  const lastEventId = headers['last-event-id']
  const scheme = 'encrypted' in request.socket ? 'https' : 'http'
  return {
    ...site,
    viewer: await site.authenticator.viewer(headers.authorization),
    requestId: randomUUID(),
    origin: site.config.publicUrl ?? `${scheme}://${headers.host ?? ''}`,
    ...(typeof lastEventId === 'string' && lastEventId !== '' ? { lastEventId } : {}),
  }
}
