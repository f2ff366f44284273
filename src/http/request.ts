import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { callerKey, type Context, type Site } from '../context.ts'
import { BadRequest, Unauthenticated } from '../kit/errors.ts'
import { anonymous } from '../auth/viewer.ts'
import { reached } from './reached.ts'

/** Longest URL; an operation with more to say is sent by POST. */
const URL_LENGTH = 8_192

/**
 * The context of a request that is one operation, which is taken from the caller's rate. Throws QuotaReached when
 * nothing is left of it, Unauthenticated and BadRequest.
 */
export async function operationContext(site: Site, request: IncomingMessage): Promise<Context> {
  if ((request.url?.length ?? 0) > URL_LENGTH)
    throw new UrlTooLong(`A URL has at most ${URL_LENGTH} characters: send the operation by POST.`)
  try {
    const ctx = await contextOf(site, request)
    site.quotas.takeOperation(callerKey(ctx))
    return ctx
  } catch (cause) {
    // whoever tries credentials is nobody, and comes from somewhere
    if (cause instanceof Unauthenticated)
      site.quotas.takeOperation(
        callerKey({ viewer: anonymous, address: reached(site.config, request).address }),
      )
    throw cause
  }
}

/** A URL longer than any that is read. */
export class UrlTooLong extends BadRequest {}

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
