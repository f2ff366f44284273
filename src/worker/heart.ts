import { Worker } from 'node:worker_threads'
import { WorkerHeartbeatDocument } from '../generated/operations/graphql.ts'
import { Refused, type Endpoint } from './api.ts'
import type { Notice, Order } from './heartbeat.worker.js'

/** What a job hears from its lease. */
interface Listener {
  lost(): void
  cancelRequested(): void
}

/** A lease that is kept. */
export interface Held {
  progress(fraction: number | undefined, message: string | undefined): void
  /** Resolves once the newest progress is told, or was tried to. */
  settled(): Promise<void>
  drop(): void
}

interface Kept extends Listener {
  readonly jobId: string
  readonly fence: string
  settled?: () => void
}

export interface HeartOptions {
  readonly endpoint: Endpoint
  readonly worker: string
  readonly leaseMs: number
  /** The server does not let the worker in, or the thread cannot be started again. */
  readonly failed: (cause: unknown) => void
}

/** Keeps leases by heartbeats, from a thread of its own (`heartbeat.worker.js`), which is started again if it ends. */
export class Heart {
  readonly #options: HeartOptions
  readonly #kept = new Map<string, Kept>()
  #thread: Worker | undefined

  constructor(options: HeartOptions) {
    this.#options = options
  }

  /** Starts the thread; claim nothing before it listens. */
  async start(): Promise<void> {
    const { endpoint, worker, leaseMs } = this.#options
    const thread = new Worker(new URL('./heartbeat.worker.js', import.meta.url), {
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

  /** Keeps a lease from now on. `isOld`: it may be close to its end. */
  hold(lease: { jobId: string; fence: string }, isOld: boolean, listener: Listener): Held {
    const key = `${lease.jobId} ${lease.fence}`
    const kept: Kept = { ...lease, ...listener }
    this.#kept.set(key, kept)
    this.#order({ kind: 'hold', key, ...lease, isOld })
    return {
      progress: (fraction, message) => this.#order({ kind: 'progress', key, fraction, message }),
      settled: () =>
        new Promise((resolve) => {
          kept.settled = resolve
          this.#order({ kind: 'settle', key })
        }),
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

  #order(order: Order): void {
    this.#thread?.postMessage(order)
  }

  #hear(notice: Exclude<Notice, { kind: 'ready' }>): void {
    if (notice.kind === 'refused')
      return this.#options.failed(new Refused(notice.code, notice.message))
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

  /** Gives a new thread what the old one held. */
  #holdAll(): void {
    for (const [key, { jobId, fence, settled }] of this.#kept) {
      this.#order({ kind: 'hold', key, jobId, fence, isOld: true })
      settled?.()
    }
  }
}
