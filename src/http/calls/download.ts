import type { FastifyReply, FastifyRequest } from 'fastify'
import { rangeIn } from '../../kit/http/byte-range.ts'
import type { Outgoing } from '../../kit/http/call.ts'
import { isOneOf, names } from '../etag.ts'

/**
 * Answers GET and HEAD with bytes that never change: all, or for GET the range that is asked for, so that a download
 * that was cut goes on where it ended. The ETag is that of these bytes alone: with If-Match none of other bytes are sent, with
 * If-None-Match known bytes are not sent again, and with If-Range a range of other bytes is not sent at all.
 */
export async function download(
  { method, headers }: FastifyRequest,
  reply: FastifyReply,
  outgoing: Outgoing,
): Promise<FastifyReply> {
  const { sizeBytes, tag, type, fileName } = outgoing
  const etag = `"${tag}"`
  const about = { etag, 'accept-ranges': 'bytes', 'cache-control': 'private' }
  const { 'if-match': match } = headers
  if (match !== undefined && !isOneOf(match, etag)) return reply.code(412).headers(about).send()
  if (names(headers['if-none-match'] ?? '', etag)) return reply.code(304).headers(about).send()
  const isMeant = outgoing.isChanged !== true || match?.includes(etag) === true
  const isSame = (headers['if-range'] ?? (isMeant ? etag : '')) === etag
  const range = method === 'GET' && isSame ? rangeIn(headers.range ?? '', sizeBytes) : undefined
  if (range === 'none')
    return reply
      .code(416)
      .headers({ ...about, 'content-range': `bytes */${sizeBytes}` })
      .send()
  const { first, last } = range ?? { first: 0, last: sizeBytes - 1 }
  const body = method === 'HEAD' ? undefined : await outgoing.read(range)
  if (range !== undefined)
    reply.code(206).header('content-range', `bytes ${first}-${last}/${sizeBytes}`)
  return reply
    .headers({
      ...about,
      'content-length': last - first + 1,
      'content-type': type,
      'content-disposition': `attachment; filename="${fileName}"`,
      'x-content-type-options': 'nosniff',
    })
    .send(body)
}
