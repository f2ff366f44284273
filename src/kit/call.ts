import type { Readable } from 'node:stream'

/** A call of a service, whatever door it came through. */
export interface Call {
  readonly method: string
  /** Path behind the service's own, with its query: `/` or `/score?x=1`. */
  readonly target: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Undefined when there is none. */
  readonly body: Readable | Buffer | undefined
  readonly signal: AbortSignal
}

/** What the service answered; whoever takes it reads the body to its end or destroys it. */
export interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[]>
  readonly body: Readable
}

/** Bytes that go out. Whoever takes them reads the body to its end or destroys it. */
export interface Outgoing {
  readonly body: Readable
  readonly sizeBytes: number
  /** SHA-256 of the bytes in lower-case hexadecimal. */
  readonly sha256: string
  readonly fileName: string
}
