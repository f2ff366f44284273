import type { Duplex, Readable } from 'node:stream'
import type { ByteRange } from './byte-range.ts'

export type HeaderFields = Readonly<Record<string, string | string[] | undefined>>

/** A call of a service, whatever door it came through. */
export interface Call {
  readonly method: string
  /** Path behind the service's own, with its query: `/` or `/score?x=1`. */
  readonly target: string
  readonly headers: HeaderFields
  /** Undefined when there is none. */
  readonly body: Readable | Buffer | undefined
  /** The fields behind the body (RFC 9110, 6.5), once it has been read; undefined where none were announced. */
  readonly trailers?: (() => HeaderFields) | undefined
  /** The protocol in which the connection is to go on (RFC 9110, 7.8); undefined where it stays HTTP. */
  readonly upgrade?: 'websocket' | undefined
  readonly signal: AbortSignal
  /** Where its caller reached the service, without a trailing slash; undefined where none did by an address. */
  readonly address?: string | undefined
}

/** What the service answered; whoever takes it reads the body to its end or destroys it. */
export interface CallAnswer {
  readonly status: number
  readonly headers: Record<string, string | string[]>
  readonly body: Readable
  /** The fields behind the body, once it has been read. */
  readonly trailers?: (() => HeaderFields) | undefined
  /** The connection to the service, which is the body as well, where it goes on in another protocol (status 101). */
  readonly socket?: Duplex | undefined
}

/** Bytes that go out, and never change. */
export interface Outgoing {
  /** All of them, or those of a range. Whoever calls it reads the body to its end or destroys it. Throws NotFound. */
  read(range?: ByteRange): Promise<Readable>
  readonly sizeBytes: number
  /** Other bytes have another: the ETag without its quotes. */
  readonly tag: string
  /** They are others than under this URL before: a part is sent only to whoever says by If-Range what the rest is of. */
  readonly isChanged?: boolean
  /** The media type. */
  readonly type: string
  readonly fileName: string
}

/** Whether a media type is that of server-sent events, which may be silent for as long as they like. */
export const isEventStream = (type: HeaderFields[string]): boolean =>
  /^\s*text\/event-stream\b/i.test(String(type ?? ''))
