import type { Readable } from 'node:stream'
import type { ByteRange } from './byte-range.ts'

/** A call of a service, whatever door it came through. */
export interface Call {
  readonly method: string
  /** Path behind the service's own, with its query: `/` or `/score?x=1`. */
  readonly target: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Undefined when there is none. */
  readonly body: Readable | Buffer | undefined
  readonly signal: AbortSignal
  /** Where its caller reached the service, without a trailing slash; undefined where none did by an address. */
  readonly address?: string | undefined
}

/** What the service answered; whoever takes it reads the body to its end or destroys it. */
export interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[]>
  readonly body: Readable
}

/** Bytes that go out, and never change. */
export interface Outgoing {
  /** All of them, or those of a range. Whoever calls it reads the body to its end or destroys it. Throws NotFound. */
  read(range?: ByteRange): Promise<Readable>
  readonly sizeBytes: number
  /** SHA-256 of the bytes in lower-case hexadecimal. */
  readonly sha256: string
  readonly fileName: string
}
