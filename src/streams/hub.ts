import { setTimeout as pause } from 'node:timers/promises'
import { Prisma } from '../generated/prisma/client.ts'
import type { Database } from '../db/database.ts'
import type { Logger } from '../kit/logger.ts'
import { Rounds } from '../kit/rounds.ts'
import type { Bus } from '../ports/bus/bus.ts'
import { type Metrics, unmeasured } from '../ports/metrics/metrics.ts'
import { Endurance } from './endurance.ts'
import { Reader } from './reader.ts'
import {
  gapBefore,
  topicOf,
  type Batch,
  type Entry,
  type Head,
  type StreamKind,
  type StreamName,
} from './stream.ts'

/** Entries in one delivery. */
const BATCH = 500
/** How often the heads of all followed streams are checked, for hints that were lost. */
const CHECK_MS = 2_000
/** How long a new follower waits until hints arrive. */
const LISTEN_MS = 500

/** A stream and how many follow it, counted from before its Reader is open until after it is used. */
interface Followed {
  readonly opening: Promise<Reader<Entry>>
  followers: number
}

interface HeadRow {
  kind: StreamName
  stream: string
  head: bigint
  first: bigint
  closed: boolean
}

/**
 * Follows streams: first what is stored after a position, then live. Followers of one stream share a Reader.
 * The Bus only hints; every entry comes from its table, so a lost hint costs latency and never data. A follower
 * is asked for nothing and pushed nothing: it pulls at its own pace, from the Reader's window while it keeps up
 * and from the table when it does not, so a stalled one holds no more than the batch in its hands.
 */
export class Hub {
  /** How its followers get over what fails. */
  readonly endurance: Endurance
  readonly #followed = new Map<string, Followed>()
  readonly #database: Database
  readonly #bus: Bus
  readonly #log: Logger
  readonly #metrics: Metrics
  readonly #checks: Rounds

  constructor(database: Database, bus: Bus, log: Logger, metrics: Metrics = unmeasured) {
    this.#database = database
    this.#bus = bus
    this.#log = log
    this.#metrics = metrics
    this.endurance = new Endurance(log)
    metrics.gauge('millrace_streams_followed', () => this.size)
    metrics.gauge('millrace_stream_followers', () =>
      [...this.#followed.values()].reduce((sum, { followers }) => sum + followers, 0),
    )
    this.#checks = new Rounds(
      () => this.#checkHeads(),
      (cause) => this.#complain(cause),
    ).every(CHECK_MS)
  }

  /** Streams that are followed on this server now. */
  get size(): number {
    return this.#followed.size
  }

  /** How far a stream reaches now. */
  async head<E extends Entry>(kind: StreamKind<E>, id: string): Promise<Head> {
    const [row] = await this.#heads([{ kind, id }])
    return row === undefined ? { head: 0, first: 1, isClosed: false } : headOf(row)
  }

  /** Tells everybody who follows that a stream has grown or closed. */
  hint(stream: StreamName, id: string): void {
    this.#bus.publish(topicOf(stream, id), '')
  }

  /**
   * All entries after `after`, for as long as the stream is open and the signal is silent. Outlasts outages, and throws
   * what else fails again and again.
   */
  async *follow<E extends Entry>(
    kind: StreamKind<E>,
    id: string,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<Batch<E>, void, undefined> {
    const followed = await this.endurance.outlast(() => this.#joined(kind, id), signal)
    if (followed === undefined) return
    try {
      // the map holds readers of all kinds; the key names the kind, so the entries are that kind's
      const reader = (await followed.opening) as unknown as Reader<E>
      let position = after
      let isUpToDate = false // once it was: from then on what comes late is late because of us
      while (!signal.aborted && !reader.isGone) {
        const known = reader.take(position, BATCH)
        if (known !== undefined) {
          position += known.length
          this.#delivered(known, 'window', isUpToDate)
          yield { entries: known, position }
        } else if (reader.isAtEnd(position)) {
          yield { entries: [], position, end: { lastNumber: position } }
          return
        } else if (position === reader.head) {
          isUpToDate = true
          reader.arrive(position)
          await reader.changed(signal)
        } else if (reader.isNext(position)) {
          await this.endurance.outlast(() => reader.fetch(), signal)
        } else {
          const page = await this.endurance.outlast(() => kind.read(id, position, BATCH), signal)
          if (page === undefined) return
          reader.saw(page)
          const gap = gapBefore(position, page)
          if (isUpToDate) this.#metrics.count('millrace_stream_fallbacks_total', 1)
          if (gap !== undefined)
            this.#metrics.count('millrace_stream_gaps_total', 1, { reason: gap.reason })
          this.#delivered(page.entries, 'table', isUpToDate)
          position = page.entries.at(-1)?.number ?? Math.min(gap?.to ?? position, page.head)
          if (page.entries.length > 0 || gap) yield { entries: page.entries, position, gap }
        }
      }
    } finally {
      await this.#leave(topicOf(kind.name, id), followed)
    }
  }

  async close(): Promise<void> {
    await this.#checks.close()
    const open = [...this.#followed.values()]
    this.#followed.clear()
    for (const { opening } of open)
      await opening.then(
        (reader) => reader.close(),
        () => {},
      )
  }

  /** Takes part in following a stream once its Reader is open. */
  async #joined<E extends Entry>(kind: StreamKind<E>, id: string): Promise<Followed> {
    const followed = this.#open(kind, id)
    try {
      await followed.opening
      return followed
    } catch (cause) {
      await this.#leave(topicOf(kind.name, id), followed)
      throw cause
    }
  }

  #open<E extends Entry>(kind: StreamKind<E>, id: string): Followed {
    const key = topicOf(kind.name, id)
    let followed = this.#followed.get(key)
    if (followed === undefined) {
      followed = { opening: this.#start(kind, id), followers: 0 }
      this.#followed.set(key, followed)
    }
    followed.followers += 1
    return followed
  }

  async #start<E extends Entry>(kind: StreamKind<E>, id: string): Promise<Reader<Entry>> {
    const reader = new Reader<E>(kind, id)
    // listen first, look second: what happens in between is hinted at and seen
    const looks = new Rounds(
      async () => reader.saw(await this.head(kind, id)),
      (cause) => this.#complain(cause),
    )
    const listening = this.#bus.subscribe(topicOf(kind.name, id), () => void looks.ask())
    const stopLooking = (): void => {
      void looks.close()
      void listening.then((stop) => stop()).catch(() => {})
    }
    reader.onClose = stopLooking
    // a bus that is away must not keep anybody waiting: the heads are checked all the same
    await Promise.race([listening, pause(LISTEN_MS, undefined, { ref: false })])
    try {
      reader.begin(await this.head(kind, id))
    } catch (cause) {
      stopLooking()
      throw cause
    }
    return reader
  }

  /** The last one to leave closes the Reader; whoever comes from then on opens another. */
  async #leave(key: string, followed: Followed): Promise<void> {
    followed.followers -= 1
    if (followed.followers > 0) return
    if (this.#followed.get(key) === followed) this.#followed.delete(key)
    await followed.opening.then(
      (reader) => reader.close(),
      () => {}, // it never opened, which those who would follow know
    )
  }

  #delivered(entries: readonly Entry[], source: 'window' | 'table', wasUpToDate: boolean): void {
    const [oldest] = entries
    if (oldest === undefined) return
    this.#metrics.count('millrace_stream_entries_delivered_total', entries.length, { source })
    // clocks differ, so that an entry may seem to come before its time
    const lagMs = Math.max(0, Date.now() - oldest.at.getTime())
    if (wasUpToDate) this.#metrics.observe('millrace_stream_lag_seconds', lagMs / 1000)
  }

  async #checkHeads(): Promise<void> {
    const all = await Promise.allSettled([...this.#followed.values()].map(({ opening }) => opening))
    const readers = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    if (readers.length === 0) return
    const rows = await this.#heads(readers)
    const byKey = new Map(rows.map((row) => [topicOf(row.kind, row.stream), row]))
    for (const reader of readers) {
      const row = byKey.get(topicOf(reader.kind.name, reader.id))
      if (row !== undefined) reader.saw(headOf(row))
    }
  }

  /** The heads of any number of streams with one statement. */
  async #heads(
    streams: readonly { kind: StreamKind<Entry> | StreamKind<never>; id: string }[],
  ): Promise<HeadRow[]> {
    const kinds = new Map(streams.map(({ kind }) => [kind.name, kind]))
    const parts: Prisma.Sql[] = []
    for (const kind of kinds.values()) {
      const ids = streams.filter((stream) => stream.kind.name === kind.name).map(({ id }) => id)
      await kind.settle?.(ids)
      parts.push(Prisma.sql`SELECT ${kind.name} AS kind, h.* FROM (${kind.heads(ids)}) AS h`)
    }
    return this.#database.query<HeadRow>(Prisma.join(parts, ' UNION ALL '))
  }

  #complain(cause: unknown): void {
    this.#log.warn({ err: cause }, 'could not look up the heads of followed streams; trying again')
  }
}

function headOf({ head, first, closed }: HeadRow): Head {
  return { head: Number(head), first: Number(first), isClosed: closed }
}
