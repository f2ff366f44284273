import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Context } from '../context.ts'
import { BadRequest } from '../kit/errors.ts'
import { refused } from '../execution/operations.ts'

/*
 * What an operation may be answered in. It is settled before anything is done: a mutation whose answer nobody takes is
 * not to be carried out.
 */

const STREAM = 'text/event-stream'
/** What we answer in; where several would do, the first. */
const ANSWERED = ['application/json', 'application/graphql-response+json', STREAM] as const
const PAGE = 'text/html'

/** These need no second look, and nearly all requests have one of them. */
const PLAIN: ReadonlySet<string | undefined> = new Set([undefined, '*/*', ...ANSWERED])

/** A range of media types that a caller takes, and how gladly, from 0 to 1 (RFC 9110, 12.5.1). */
interface Range {
  readonly type: string
  readonly quality: number
}

/**
 * Those of our media types that an `Accept` header takes, written as one: the best first, none that the caller refuses,
 * the page where there is one (`hasPage`). Undefined where there is no header; throws NotAcceptable where none is left.
 */
export function acceptable(accept: string | undefined, hasPage: boolean): string | undefined {
  if (PLAIN.has(accept) || accept?.trim() === '') return accept
  const ranges = rangesOf(accept ?? '')
  const taken = ANSWERED.map((type) => ({ type, ...rankOf(type, ranges) }))
    .filter(({ quality }) => quality > 0)
    .sort((one, other) => other.quality - one.quality || one.place - other.place)
    .map(({ type }) => type)
  const isPage = hasPage && ranges.some(({ type, quality }) => type === PAGE && quality > 0)
  const types = isPage ? [...taken, PAGE] : taken
  if (types.length === 0)
    throw new NotAcceptable(
      `The server returns GraphQL as ${ANSWERED.slice(0, -1).join(' or ')}, or as ${STREAM}: name one of them in Accept.`,
    )
  return types.join(',')
}

/** JSON is UTF-8: whoever wants another encoding takes none of ours. */
const OURS = /^charset="?utf-?8"?$/

function rangesOf(accept: string): Range[] {
  return accept
    .replace(/\s/g, '')
    .toLowerCase()
    .split(',')
    .map((range) => {
      const [name = '', ...parameters] = range.split(';')
      const charset = parameters.find((one) => one.startsWith('charset='))
      const weight = parameters.find((one) => one.startsWith('q='))?.slice(2)
      const quality = weight === undefined ? 1 : Number.parseFloat(weight)
      return {
        // Java before 22 says `*` for all there is
        type: name === '*' ? '*/*' : name,
        quality: charset !== undefined && !OURS.test(charset) ? 0 : quality || 0,
      }
    })
}

/** How gladly a media type is taken, and where the header says so: what names it wins over what includes it. */
function rankOf(type: string, ranges: readonly Range[]): { quality: number; place: number } {
  const all = `${type.slice(0, type.indexOf('/'))}/*`
  for (const range of [type, all, '*/*']) {
    const place = ranges.findIndex((one) => one.type === range)
    const found = ranges[place]
    if (found !== undefined) return { quality: found.quality, place }
  }
  return { quality: 0, place: 0 }
}

/** The caller takes nothing that there is of what it asks for. */
class NotAcceptable extends BadRequest {
  override readonly status = 406
}

/** A subscription is never begun for whoever does not take an event stream. */
export const streaming: Plugin<Context> = {
  onSubscribe({ args, setResultAndStopExecution }) {
    // over WebSocket there is no request
    const { request, metrics } = args.contextValue as Context & { request?: Request }
    if (request === undefined || takesStream(request.headers.get('accept'))) return
    refused(metrics, 'sse')
    const error = new GraphQLError(
      `A subscription is answered as ${STREAM}, which this request does not accept, or over WebSocket.`,
      { extensions: { code: 'BAD_REQUEST', http: { status: 406, spec: false } } },
    )
    setResultAndStopExecution({ errors: [error] })
  },
}

const takesStream = (accept: string | null): boolean =>
  accept === null || accept.trim() === '' || accept === '*/*' || accept.includes(STREAM)
