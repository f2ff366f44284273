import { setTimeout as pause } from 'node:timers/promises'
import { WorkerLogDocument } from '../generated/operations/graphql.ts'
import { ask, done, Refused, type Post } from './api.ts'
import type { LogOptions } from './job.ts'
import { piecesOf } from './pieces-of.ts'
import { stubbornly, type Stubbornness } from './stubborn.ts'

/** How long lines wait for more of them. */
const GATHER_MS = 50
const BATCH_LINES = 1_000
/** Of a batch as JSON: half of what a request may have by default (MAX_BODY_BYTES). */
const BATCH_BYTES = 512 * 1024
/** Lines that wait, from where on `add` slows its caller down, and from where on it throws. */
const FULL_BYTES = 1024 * 1024
const OVERFULL_BYTES = 16 * 1024 * 1024

/** Its signal ends all waiting for the server. */
export interface JobLogOptions extends Stubbornness {
  readonly post: Post
  readonly jobId: string
  readonly fence: string
  readonly timeoutMs: number
  readonly refused: (reason: string) => void
}

interface Line {
  readonly text: string
  readonly bytes: number
  readonly isUnfinished: boolean
}

/**
 * What a job logs, on its way to the server: in order, in batches, one request at a time. The lines of an attempt are
 * numbered, so a batch whose answer was lost is sent again and stored once. Bounded: see `add`.
 */
export class JobLog {
  readonly #options: JobLogOptions
  readonly #lines: Line[] = []
  #bytes = 0
  /** Number of the first line that waits. */
  #next = 1
  #sending: Promise<void> | undefined
  #isFlushing = false
  #failure: { readonly cause: unknown } | undefined
  #roomWanted: (() => void)[] = []
  /** The server knows of no unfinished lines. */
  #isPlain = false

  constructor(options: JobLogOptions) {
    this.#options = options
  }

  /** Adds the lines of a text. Resolves when there is room for more; throws when 16 MiB wait. */
  add(text: string, { isUnfinished = false }: LogOptions = {}): Promise<void> {
    if (this.#failure !== undefined) return Promise.resolve()
    if (this.#bytes > OVERFULL_BYTES)
      throw new Error('The log grows faster than it can be sent: await what log() answers.')
    const lines = linesOf(text)
    for (const [place, line] of lines.entries()) {
      const bytes = Buffer.byteLength(JSON.stringify(line))
      const isState = isUnfinished && place === lines.length - 1
      this.#lines.push({ text: line, bytes, isUnfinished: isState })
      this.#bytes += bytes
    }
    this.#sending ??= this.#send()
    return this.#bytes <= FULL_BYTES
      ? Promise.resolve()
      : new Promise((resolve) => this.#roomWanted.push(resolve))
  }

  /** Resolves once every line is stored. Throws LeaseLost, or whatever else made that impossible. */
  async flush(): Promise<void> {
    this.#isFlushing = true
    await this.#sending
    this.#isFlushing = false
    if (this.#failure !== undefined) throw this.#failure.cause
  }

  async #send(): Promise<void> {
    try {
      while (this.#lines.length > 0) {
        if (!this.#isFlushing && this.#bytes < BATCH_BYTES) await pause(GATHER_MS)
        await this.#sendBatch()
        if (this.#bytes <= FULL_BYTES) this.#giveRoom()
      }
    } catch (cause) {
      this.#failure = { cause }
      this.#lines.length = 0
      this.#bytes = 0
    } finally {
      this.#sending = undefined
      this.#giveRoom()
    }
  }

  async #sendBatch(): Promise<void> {
    const batch = this.#batch()
    try {
      this.#next += await this.#store(batch)
    } catch (cause) {
      // the log is not worth the job: it goes on without these lines, and its owner is told
      if (!(cause instanceof Refused) || cause.isOfWorker || cause.code === 'NOT_FOUND') throw cause
      this.#options.refused(cause.message)
    }
    this.#lines.splice(0, batch.length)
    this.#bytes -= batch.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Answers how many were stored: without the unfinished ones where the server is too old for such. */
  async #store(batch: readonly Line[]): Promise<number> {
    const lines = this.#isPlain ? batch.filter(({ isUnfinished }) => !isUnfinished) : batch
    const unfinished = [...lines.keys()].filter((place) => lines[place]?.isUnfinished)
    if (lines.length === 0) return 0
    try {
      await this.#append(lines, unfinished)
    } catch (cause) {
      if (unfinished.length === 0 || !isUnknown(cause)) throw cause
      this.#isPlain = true
      return this.#store(batch)
    }
    return lines.length
  }

  async #append(lines: readonly Line[], unfinished: readonly number[]): Promise<void> {
    const { post, jobId, fence, timeoutMs, signal } = this.#options
    const input = {
      jobId,
      fence,
      firstLine: this.#next,
      lines: lines.map(({ text }) => text),
      ...(unfinished.length > 0 && { unfinished: [...unfinished] }),
    }
    await stubbornly(async () => {
      const { appendJobLog } = await ask(post, WorkerLogDocument, { input }, { timeoutMs, signal })
      return done(appendJobLog)
    }, this.#options)
  }

  #batch(): Line[] {
    let bytes = 0
    const end = this.#lines.findIndex((line, place) => {
      bytes += line.bytes
      return place > 0 && (place >= BATCH_LINES || bytes > BATCH_BYTES)
    })
    return end === -1 ? [...this.#lines] : this.#lines.slice(0, end)
  }

  #giveRoom(): void {
    for (const resolve of this.#roomWanted.splice(0)) resolve()
  }
}

/** Whether it is the field for unfinished lines that a server does not know. */
const isUnknown = (cause: unknown): boolean =>
  cause instanceof Refused && cause.code === 'BAD_REQUEST'

/** The lines of a text, without their ends; those that are too long in pieces. */
const linesOf = (text: string): string[] =>
  text
    .replace(/\r?\n$/, '')
    .split(/\r?\n/)
    .flatMap((line) => [...piecesOf(line)])
