import { Worker } from 'node:worker_threads'
import { WorkerHeartbeatDocument } from '../generated/operations/graphql.ts'
import { Away, Refused, type Endpoint, type Post, type HttpReply } from './api.ts'
import type { Notice, Order } from './heart.worker.js'
import { keyOf } from './words.js'

/** What a job hears from its lease. */
interface Listener {
  lost(): void
  cancelRequested(): void
}

/** A lease that is kept. */
export interface KeptLease {
  progress(fraction: number | undefined, message: string | undefined): void
  /** Resolves once the newest progress is told, or was tried to. */
  settled(): Promise<void>
  drop(): void
}

interface Kept extends Listener {
  readonly jobId: string
  readonly fence: string
  /** Whether there may be progress that is not told. */
  hasNews: boolean
  settled?: () => void
}

export interface HeartOptions {
  readonly endpoint: Endpoint
  readonly worker: string
  readonly leaseMs: number
  /** The server does not let the worker in, or the thread cannot be started again. */
  readonly failed: (cause: unknown) => void
}

/** Claims jobs and keeps their leases, from a thread of its own (`heart.worker.js`), which is started again if it ends. */
export class Heart {
  readonly #options: HeartOptions
  readonly #kept = new Map<string, Kept>()
  /** Claims that are on their way. */
  readonly #claims = new Map<number, (reply: HttpReply | string) => void>()
  #claimed = 0
  #thread: Worker | undefined
  /** What the thread is to be told when this turn is over. */
  readonly #orders: Order[] = []

  constructor(options: HeartOptions) {
    this.#options = options
  }

  /** Starts the thread; claim nothing before it listens. */
  async start(): Promise<void> {
    const { endpoint, worker, leaseMs } = this.#options
    const thread = new Worker(new URL('./heart.worker.js', import.meta.url), {
      workerData: { ...endpoint, query: WorkerHeartbeatDocument.toString(), worker, leaseMs },
      execArgv: [], // a flag such as tsx's loader has no business in there
    })
    this.#thread = thread
    await new Promise<void>((resolve, reject) => {
      thread.on('message', (notice: Notice) => {
        if (notice.kind === 'ready') resolve()
        else this.#hear(notice)
      })
      thread.on('error', reject)
      thread.once('exit', () => {
        reject(new Error('The thread of the heartbeats has ended.'))
        if (this.#thread === thread) this.start().then(() => this.#holdAll(), this.#options.failed)
      })
    })
  }

  /**
   * How claims are sent: the leases that one brings are kept before anybody hears of them. `isAgain`: they may be close
   * to their end, because an earlier answer was lost.
   */
  claims(isAgain: boolean): Post {
    return (body, { timeoutMs, signal }) => {
      signal.throwIfAborted()
      const id = (this.#claimed += 1)
      const stop = (): void => {
        this.#order({ kind: 'break', id })
        this.#claims.get(id)?.('it was broken off')
      }
      signal.addEventListener('abort', stop)
      const answered = new Promise<HttpReply>((resolve, reject) => {
        this.#claims.set(id, (reply) => {
          if (typeof reply !== 'string') resolve(reply)
          else reject(signal.aborted ? signal.reason : new Away(reply, false))
        })
        this.#order({ kind: 'claim', id, body, timeoutMs, isAgain })
      })
      return answered.finally(() => {
        signal.removeEventListener('abort', stop)
        this.#claims.delete(id)
      })
    }
  }

  /** Keeps a lease and listens for it. */
  hold(lease: { jobId: string; fence: string }, listener: Listener): KeptLease {
    const key = keyOf(lease.jobId, lease.fence)
    const kept: Kept = { ...lease, ...listener, hasNews: false }
    this.#kept.set(key, kept)
    this.#order({ kind: 'hold', key, ...lease })
    return {
      progress: (fraction, message) => {
        kept.hasNews = true
        this.#order({ kind: 'progress', key, fraction, message })
      },
      settled: async () => {
        if (!kept.hasNews) return
        kept.hasNews = false
        await new Promise<void>((resolve) => {
          kept.settled = resolve
          this.#order({ kind: 'settle', key })
        })
      },
      drop: () => {
        this.#kept.delete(key)
        kept.settled?.()
        this.#order({ kind: 'drop', key })
      },
    }
  }

  async close(): Promise<void> {
    const thread = this.#thread
    this.#thread = undefined
    await thread?.terminate()
  }

  /** In the order they were given, those of one turn with one message: to send one costs more than most of them say. */
  #order(order: Order): void {
    if (this.#orders.push(order) > 1) return
    process.nextTick(() => {
      const orders = this.#orders.splice(0)
      this.#thread?.postMessage(orders)
    })
  }

  #hear(notice: Exclude<Notice, { kind: 'ready' }>): void {
    if (notice.kind === 'refused')
      return this.#options.failed(new Refused(notice.code, notice.message))
    if (notice.kind === 'answered') return this.#claims.get(notice.id)?.(notice.reply)
    const kept = this.#kept.get(notice.key)
    switch (notice.kind) {
      case 'lost':
        kept?.settled?.()
        return kept?.lost()
      case 'cancel':
        return kept?.cancelRequested()
      case 'settled':
        return kept?.settled?.()
    }
  }

  /** Gives a new thread what the old one held; what that one had claimed is claimed again. */
  #holdAll(): void {
    for (const [key, { jobId, fence, settled }] of this.#kept) {
      this.#order({ kind: 'hold', key, jobId, fence })
      settled?.()
    }
    for (const answer of this.#claims.values())
      answer('the thread of the heartbeats was started again')
  }
}
