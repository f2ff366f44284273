import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Context, Platform } from '../context.ts'

/** The context of one request: who asks, and under which name this server was reached. */
export async function contextOf(platform: Platform, request: IncomingMessage): Promise<Context> {
  const { headers } = request
  const lastEventId = headers['last-event-id']
  const scheme = 'encrypted' in request.socket ? 'https' : 'http'
  return {
    ...platform,
    viewer: await platform.authenticator.viewer(headers.authorization),
    requestId: randomUUID(),
    origin: platform.config.publicUrl ?? `${scheme}://${headers.host ?? ''}`,
    ...(typeof lastEventId === 'string' && lastEventId !== '' ? { lastEventId } : {}),
  }
}
