import type { Readable } from 'node:stream'
import { DomainError, QuotaReached } from '../errors.ts'

/** How long the rest of a refused body is let in, so that the caller can read the answer. */
const DRAIN_MS = 5_000

/** What a body that is read whole may have, and how long it may take. */
interface BodyLimits {
  readonly maxBodyBytes: number
  readonly bodyTimeoutMs: number
}

/** The body did not come in time. */
class BodyTooSlow extends DomainError {
  readonly code = 'TIMEOUT'
  override readonly status = 408
}

/**
 * The whole body. Throws QuotaReached when it has more than so many bytes, whatever its headers say, and
 * BodyTooSlow when it does not come in time. Either way the connection stays open for the answer.
 */
export function wholeBody(
  body: Readable | undefined,
  { maxBodyBytes: maxBytes, bodyTimeoutMs }: BodyLimits,
): Promise<Buffer | undefined> {
  if (body === undefined) return Promise.resolve(undefined)
  if (body.destroyed) return Promise.reject(cutShort())
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const refuse = (why: Error): void => {
      stop()
      drain(body, Math.min(DRAIN_MS, bodyTimeoutMs))
      reject(why)
    }
    const onData = (chunk: Buffer): void => {
      size += chunk.length
      chunks.push(chunk)
      if (size > maxBytes)
        refuse(
          new QuotaReached(`A request has at most ${maxBytes} bytes (MAX_BODY_BYTES).`, maxBytes),
        )
    }
    const onEnd = (): void => {
      stop()
      resolve(Buffer.concat(chunks))
    }
    const onGone = (): void => {
      stop()
      reject(cutShort())
    }
    const timer = setTimeout(
      () =>
        refuse(
          new BodyTooSlow(
            `A request comes within ${bodyTimeoutMs / 1000} s (BODY_TIMEOUT_SECONDS).`,
          ),
        ),
      bodyTimeoutMs,
    )
    const stop = (): void => {
      clearTimeout(timer)
      body.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone)
    }
    body.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone)
  })
}

/** The text of bytes that are UTF-8, without a byte order mark. Throws a TypeError for others. */
export const textOf = (bytes: Buffer): string =>
  new TextDecoder('utf-8', { fatal: true }).decode(bytes)

const cutShort = (): BodyTooSlow =>
  new BodyTooSlow('The connection was closed before the whole request had come.')

/** Lets the rest in unread, for a while: a connection that is cut at once takes the answer with it. */
function drain(body: Readable, ms: number): void {
  const cut = setTimeout(() => body.destroy(), ms)
  body
    .once('error', () => {}) // nobody waits for it any more
    .once('close', () => clearTimeout(cut))
    .resume()
}
