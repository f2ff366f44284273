import type { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { errors } from 'undici'
import { credentialIn } from '../auth/credential.ts'
import type { Context, Site } from '../context.ts'
import type { Answer, Call } from '../kit/call.ts'
import { BadGateway } from '../kit/errors.ts'
import { passOnAnswer } from './challenge.ts'
import { whenClosed } from './closed.ts'
import { withoutOurs, withoutOursSet } from './cookie.ts'

/**
 * A page that a service answers stands at our own address, yet it is not ours. Whoever is signed in by cookie gets it
 * in a sandbox, where browsers give it an origin of its own, so that it cannot use the cookie.
 */
const SANDBOX = {
  'content-security-policy':
    'sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts',
}

/** The answer to a call by a request, which ends when whatever let its caller in is taken away. */
export async function invoked(
  site: Site,
  ctx: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  invoke: () => Promise<Answer>,
): Promise<Answer> {
  const session = site.sessions.open(ctx.viewer, () => reply.raw.destroy())
  whenClosed(reply.raw, () => {
    session.end()
    ctx.operation.close()
  })
  const answer = await invoke()
  passOnAnswer(request.raw)
  const isSignedIn = credentialIn(request.raw.headers, ctx.front)?.from === 'cookie'
  return own(answer, isSignedIn ? SANDBOX : {})
}

/** The call in a request. `sent` are headers that it has beside, or instead of, those of the request. */
export function callOf(
  request: FastifyRequest,
  reply: FastifyReply,
  target: string,
  sent: Readonly<Record<string, string>> = {},
): Call {
  const gone = new AbortController()
  whenClosed(reply.raw, () => {
    if (!reply.raw.writableFinished) gone.abort()
  })
  const { headers } = request.raw
  return {
    method: request.method,
    target,
    headers: { ...headers, ...sent, cookie: withoutOurs(headers.cookie) },
    body: request.body as Readable | undefined, // every body here is the stream itself
    signal: gone.signal,
  }
}

/** The answer as it came, but under the id that the request has here, and without cookies that are ours. */
export function own({ status, headers, body }: Answer, more: Record<string, string> = {}): Answer {
  const { 'set-cookie': cookies, 'x-request-id': _theirs, ...others } = headers
  const kept: Record<string, string[]> =
    cookies === undefined ? {} : { 'set-cookie': withoutOursSet([cookies].flat()) }
  return { status, headers: { ...others, ...kept, ...more }, body }
}

/** An instance may break off its answer before any of it has gone out. */
export const asBrokenOff = (error: unknown): unknown =>
  error instanceof errors.UndiciError
    ? new BadGateway('The instance broke off its answer; the log of the service says why.')
    : error
