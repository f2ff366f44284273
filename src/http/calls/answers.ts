import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Context, Site } from '../../context.ts'
import { carried } from '../../doors/index.ts'
import { isEventStream, type CallAnswer } from '../../kit/http/call.ts'
import { withoutOursSet } from '../cookie.ts'
import { withoutCors } from './cors.ts'
import { credentialOf } from '../reached.ts'
import { goOn } from '../upgrades.ts'

/**
 * What a service answers at our own address is not ours. Browsers give it an origin of its own there, whatever it is
 * and whatever policy the service sends beside this one, so that it cannot act as whoever looks at it.
 */
const SANDBOX = 'sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts'

/** What an answer says of all that stands at its origin: that is not a service's to say. */
const OF_THE_ORIGIN = new Set([
  'accept-ch',
  'alt-svc',
  'clear-site-data',
  'critical-ch',
  'expect-ct',
  'nel',
  'origin-agent-cluster',
  'public-key-pins',
  'public-key-pins-report-only',
  'report-to',
  'reporting-endpoints',
  'service-worker-allowed',
  'set-cookie2',
  'strict-transport-security',
])

/**
 * What becomes of the answer of a service at an address of ours: it is put in a sandbox, and has cookies for programs
 * only, which keep them by themselves. In a browser the cookies of one service would be sent to all others and could
 * crowd ours out. Call it while the request is whole.
 */
export function atOurs(
  site: Site,
  request: FastifyRequest,
  ctx: Context,
): (answer: CallAnswer) => CallAnswer {
  const isProgram =
    credentialOf(site.config, request.raw, ctx.front)?.from === 'header' &&
    request.headers['sec-fetch-site'] === undefined
  return (answer) => {
    const {
      'content-security-policy': policy = [],
      'set-cookie': cookies = [],
      ...others
    } = withoutId(answer.headers)
    const headers = {
      ...Object.fromEntries(Object.entries(others).filter(([name]) => !OF_THE_ORIGIN.has(name))),
      ...(isProgram ? { 'set-cookie': withoutOursSet([cookies].flat()) } : {}),
      'content-security-policy': [...[policy].flat(), SANDBOX],
      'x-content-type-options': 'nosniff',
    }
    return { ...answer, headers }
  }
}

/** The answer of a service at its own origin: all but the cookie that lets its callers in is its own. */
export function atItsOwn(answer: CallAnswer): CallAnswer {
  const { 'set-cookie': cookies = [], ...others } = withoutId(answer.headers)
  return { ...answer, headers: { ...others, 'set-cookie': withoutOursSet([cookies].flat()) } }
}

/** A request has its id here. */
export function withoutId({ 'x-request-id': _theirs, ...headers }: CallAnswer['headers']) {
  return headers
}

/** How long the head of an answer waits for the rest: that may break off at once, which is told better without. */
const HEAD_MS = 100

/** Sends the head of an answer whose body is long in coming; that of an event stream goes at once. */
function flushing(response: ServerResponse, afterMs: number): void {
  const flush = (): void => {
    if (!response.headersSent && !response.destroyed) response.flushHeaders()
  }
  setImmediate(() => {
    if (response.headersSent) return // with what has come already, as for most
    if (afterMs === 0) return flush()
    const timer = setTimeout(flush, afterMs)
    response.once('close', () => clearTimeout(timer))
  })
}

/** Answers that services gave, about which there is nothing more to say. */
const passed = new WeakSet<FastifyReply>()

/** Notes that a reply is what a service answers. */
const passedOn = (reply: FastifyReply): void => void passed.add(reply)

/** Replies with what a service answers: its head in time, and the fields behind its body. */
export function passOn(reply: FastifyReply, answer: CallAnswer): FastifyReply {
  if (answer.socket !== undefined) return goOn(reply, answer, answer.socket)
  passedOn(reply)
  const { status, headers, body, trailers } = answer
  const { raw } = reply
  if (trailers !== undefined)
    // before the end of the answer is written, which a listener of the same event does
    body.once('end', () => raw.addTrailers(carried(trailers())))
  flushing(raw, isEventStream(headers['content-type']) ? 0 : HEAD_MS)
  const fields = isOpenEnded(reply, answer) ? headers : withoutTrailer(headers)
  return reply.code(status).headers(withoutCors(reply, fields)).send(body)
}

/** Whether an answer can have fields behind its body, which go with the last of its chunks (RFC 9112, 7.1.2). */
const isOpenEnded = ({ request }: FastifyReply, { status, headers }: CallAnswer): boolean =>
  headers['content-length'] === undefined &&
  request.raw.httpVersion === '1.1' &&
  request.method !== 'HEAD' &&
  status !== 204 &&
  status !== 304

function withoutTrailer({ trailer: _none, ...headers }: CallAnswer['headers']) {
  return headers
}

export const isPassedOn = (reply: FastifyReply): boolean => passed.has(reply)
