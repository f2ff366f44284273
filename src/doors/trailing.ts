import { request as overHttp, type OutgoingHttpHeaders } from 'node:http'
import { request as overHttps } from 'node:https'
import { Readable } from 'node:stream'
import { errors } from 'undici'
import { isEventStream, type Call, type HeaderFields } from '../kit/http/call.ts'
import type { Exchange, Sending } from './exchange.ts'

/** A request with fields behind its body. */
export interface Trailing extends Sending {
  readonly body: Readable
  readonly trailers: () => HeaderFields
}

export const isTrailing = (sending: Sending & Pick<Call, 'trailers'>): sending is Trailing =>
  sending.trailers !== undefined && sending.body instanceof Readable

/**
 * Sends a request with fields behind its body (RFC 9110, 6.5), which undici cannot, over a connection of its own to
 * `origin`. Resolves when the head of the answer has come; rejects with what Node throws, HeadersTimeoutError, and the
 * reason of the signal.
 */
export function exchangeTrailing(origin: string, sending: Trailing): Promise<Exchange> {
  const { path, method, headers, body, trailers, signal, headersTimeout, bodyTimeout } = sending
  const { protocol, hostname, port } = new URL(origin)
  const { 'content-length': _unknown, ...others } = headers
  return new Promise((resolve, reject) => {
    const sent = (protocol === 'https:' ? overHttps : overHttp)({
      hostname: hostname.replaceAll(/[[\]]/g, ''),
      port,
      path,
      method,
      headers: { ...(others as OutgoingHttpHeaders), 'transfer-encoding': 'chunked' },
      agent: false,
    })
    const cut = (): unknown => sent.destroy(signal.reason as Error) // the reason of an abort is an error
    const late = setTimeout(() => {
      // a body that is still coming, and is read, may take its time
      if (!body.readableEnded && !sent.writableNeedDrain) late.refresh()
      else sent.destroy(new errors.HeadersTimeoutError())
    }, headersTimeout)
    signal.addEventListener('abort', cut)
    sent
      .on('error', reject)
      .once('close', () => {
        clearTimeout(late)
        signal.removeEventListener('abort', cut)
        // of one who changes the protocol unasked Node says nothing else
        reject(new errors.SocketError('closed without an answer'))
      })
      .once('response', (answer) => {
        clearTimeout(late)
        if (!isEventStream(answer.headers['content-type']))
          answer.setTimeout(bodyTimeout, () => {
            // what nobody reads cannot go on
            if (answer.readableLength > 0) answer.socket.setTimeout(bodyTimeout)
            else answer.destroy(new errors.BodyTimeoutError())
          })
        const { statusCode: status = 0 } = answer // of an answer there is one
        resolve({ status, headers: answer.headers, body: answer, trailers: () => answer.trailers })
      })
    body
      .once('end', () => {
        sent.addTrailers(carried(trailers()))
        sent.end()
      })
      .pipe(sent, { end: false })
    if (signal.aborted) cut()
  })
}

/** Fields that have no place behind a body, such as say where that ends or who sends it. */
const MISPLACED =
  /^(?:authorization|connection|content-|cookie|expect|host|keep-alive|millrace|proxy-|set-cookie|te$|trailer|transfer-|upgrade|x-forwarded|forwarded)/

/** Fields behind a body as they go on (RFC 9110, 6.5.1). */
export const carried = (fields: HeaderFields): HeaderFields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !MISPLACED.test(name.toLowerCase())))
