import type { Answer } from '../../../../testkit/client.ts'
import type { Entry, Stream } from '../streams.ts'

/** An entry as it came: when, and with which cursor. */
export interface Received extends Entry {
  readonly cursor: string
  readonly ms: number
}

/** One that follows a stream for as long as its kind of client can. */
export interface Follower {
  readonly name: string
  readonly stream: Stream
  readonly received: readonly Received[]
  /** Deliveries that came with an error in the place of what they stand for. */
  readonly spoiled: readonly string[]
  /** When it was delivered something last. */
  readonly heardMs: number
  /** Why it is over, once it is; a client that goes on by itself is not. */
  readonly ended: string | undefined
  close(): Promise<void>
}

/** Why one is over that was told the end of its stream. */
export const COMPLETE = 'complete'

/** What a follower writes down. */
export class Notes {
  readonly received: Received[] = []
  readonly spoiled: string[] = []
  heardMs = 0
  ended: string | undefined

  take(stream: Stream, { data, errors, extensions }: Answer<unknown>): void {
    this.heardMs = performance.now()
    const isWhole = errors === undefined && data != null
    if (!isWhole) this.spoiled.push(JSON.stringify({ data, errors, extensions }).slice(0, 500))
    else this.add(stream.take(data), String(extensions?.['cursor']))
  }

  add(entries: readonly Entry[], cursor: string): void {
    const ms = performance.now()
    for (const entry of entries) this.received.push({ ...entry, cursor, ms })
  }

  end(why: unknown): void {
    this.ended ??= typeof why === 'string' ? why : inWords(why)
  }
}

/** Errors, events of a socket and lists of GraphQL errors alike. */
function inWords(cause: unknown): string {
  if (cause instanceof Error) return cause.message
  if (typeof cause === 'object' && cause !== null && 'code' in cause && 'reason' in cause)
    return `closed with ${String(cause.code)} ${String(cause.reason)}`
  return JSON.stringify(cause)?.slice(0, 500) ?? 'complete'
}
