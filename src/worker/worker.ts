import { postTo, type Away } from './api.ts'
import { Claims, type ClaimedJob } from './claims.ts'
import { messageOf, type WorkerEvent } from './events.ts'
import { Heart } from './heart.ts'
import { readOptions, type Settings, type WorkerOptions } from './options.ts'
import { giveBack, Run, type RunPlan } from './run.ts'

/** A worker that runs. */
export interface Worker {
  readonly name: string
  /**
   * Resolves when the worker has stopped and nothing of it is left. Rejects with what ended it otherwise: `Refused`
   * when the server does not let it in or knows no such service.
   */
  readonly finished: Promise<void>
  /**
   * Claims no more jobs, lets running handlers end within the grace, then asks the others to end by their signals and
   * gives their jobs back unharmed. The same promise as `finished`.
   */
  stop(): Promise<void>
}

/** How long a handler may take to end once it was asked to, before its job is given back all the same. */
const LEAVE_MS = 5_000
/** How long the last reports may take after that. */
const CUTOFF_MS = 5_000

/**
 * Starts a worker, which claims jobs of queues and has them done by a handler.
 *
 *     const worker = createWorker({
 *       url: 'http://127.0.0.1:4000',
 *       token: process.env.MILLRACE_TOKEN,
 *       service: 'train',
 *       concurrency: 2,
 *       async handler({ parameters, signal, log, progress }) {
 *         for (let epoch = 0; epoch < parameters.epochs; epoch += 1) {
 *           signal.throwIfAborted()
 *           await log(`epoch ${epoch}`)
 *           progress(epoch / parameters.epochs)
 *         }
 *         return { accuracy: 0.93 }
 *       },
 *     })
 *     await worker.finished
 *
 * Jobs are executed at least once, and exactly one result of each is accepted. A server that is away is waited for;
 * meanwhile handlers go on, and what came of them is reported when it is back. Throws TypeError for options that make
 * no sense.
 */
export function createWorker<Parameters = unknown>(options: WorkerOptions<Parameters>): Worker {
  const worker = new RunningWorker(readOptions(options), options)
  worker.finished.catch(() => {}) // it is an event too; whoever wants to know awaits it
  return worker
}

/**
 * The life of a worker. It *works*: it claims as many jobs as it has room for, and ahead, and waits where there are none. It
 * *drains*, from `stop()` or from when the server refuses it: no claim is begun, and the one on its way is broken off
 * and asked once more for what it might have got, which is given back. It has *stopped* when every run has ended or
 * been given back, and its heart stands still.
 */
class RunningWorker implements Worker {
  readonly finished: Promise<void>
  readonly #settings: Settings
  readonly #stopOn: readonly NodeJS.Signals[]
  readonly #signal: AbortSignal | undefined
  readonly #onEvent: ((event: WorkerEvent) => void) | undefined
  readonly #heart: Heart
  readonly #plan: RunPlan
  readonly #claims: Claims
  readonly #runs = new Map<Run, Promise<void>>()
  /** Claimed, and not begun for want of room, in their order. */
  readonly #ahead: Run[] = []
  readonly #stopping = new AbortController()
  readonly #cutoff = new AbortController()
  #failure: { readonly cause: unknown } | undefined
  #isAway = false
  /** Tells the loop that there is room, or that it is to end. */
  #wake: () => void = () => {}

  constructor(settings: Settings, options: WorkerOptions<never>) {
    const { endpoint, leaseSeconds, name } = settings
    const leaseMs = leaseSeconds * 1_000
    const tell = (event: WorkerEvent): void => this.#tell(event)
    const heard = (failure: Away | undefined): void => this.#heard(failure?.message)
    this.#settings = settings
    this.#stopOn = options.stopOn ?? ['SIGTERM', 'SIGINT']
    this.#signal = options.signal
    this.#onEvent = options.onEvent
    this.#heart = new Heart({
      endpoint,
      worker: name,
      leaseMs,
      failed: (cause) => this.#fail(cause),
    })
    const { handler } = options
    const cutoff = this.#cutoff.signal
    this.#plan = {
      post: postTo(endpoint),
      heart: this.#heart,
      leaseMs,
      handler,
      tell,
      heard,
      cutoff,
      handled: () => this.#free(),
    }
    this.#claims = new Claims(settings, this.#heart, heard)
    this.finished = this.#live()
  }

  get name(): string {
    return this.#settings.name
  }

  stop(): Promise<void> {
    this.#drain()
    return this.finished
  }

  readonly #drain = (): void => {
    if (this.#stopping.signal.aborted) return
    for (const signal of this.#stopOn) process.off(signal, this.#drain) // a second one is not for us
    this.#tell({ kind: 'stopping', running: this.#runs.size })
    this.#stopping.abort()
    this.#giveUp()
    this.#wake()
  }

  async #live(): Promise<void> {
    for (const signal of this.#stopOn) process.once(signal, this.#drain)
    this.#signal?.addEventListener('abort', this.#drain)
    if (this.#signal?.aborted) this.#drain()
    try {
      await this.#heart.start()
      await this.#work()
      await this.#end()
    } finally {
      for (const signal of this.#stopOn) process.off(signal, this.#drain)
      this.#signal?.removeEventListener('abort', this.#drain)
      this.#cutoff.abort()
      await this.#heart.close()
    }
    this.#tell({ kind: 'stopped' })
    if (this.#failure !== undefined) throw this.#failure.cause
  }

  async #work(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const room = this.#room() + this.#settings.prefetch - this.#ahead.length
      // room that comes for several together is filled with one claim
      if (room <= 0)
        await new Promise<void>((resolve) => (this.#wake = () => void setImmediate(resolve)))
      else
        await this.#claims.next(room, signal).then(
          (leases) => this.#take(leases),
          (cause: unknown) => this.#fail(cause),
        )
    }
  }

  /**
   * How many more handlers may run. Reports do not keep the next jobs waiting, but as many at most as there are handlers
   * and jobs claimed ahead.
   */
  #room(): number {
    const { concurrency, prefetch } = this.#settings
    let reporting = 0
    for (const run of this.#runs.keys()) if (run.isHandled) reporting += 1
    const unreported = this.#runs.size - concurrency - prefetch
    return concurrency - Math.max(this.#runs.size - reporting, unreported)
  }

  #take(leases: readonly ClaimedJob[]): void {
    // all are listened for before the first begins, which may block
    this.#ahead.push(...leases.map((lease) => new Run(lease, this.#plan)))
    if (this.#stopping.signal.aborted) this.#giveUp()
    else this.#fill()
  }

  /** Begins as many of the jobs in hand as there is room for. */
  #fill(): void {
    while (this.#ahead.length > 0 && this.#room() > 0) {
      const run = this.#ahead.shift()
      if (run !== undefined) this.#begin(run)
    }
  }

  /** Gives back what was claimed ahead. */
  #giveUp(): void {
    for (const run of this.#ahead.splice(0)) {
      run.interrupt() // its handler is not called any more
      this.#begin(run)
    }
  }

  /** Makes use of room, in a turn of its own: a handler that blocks must not keep the report of the one before. */
  #free(): void {
    setImmediate(() => {
      this.#fill()
      this.#wake()
    })
  }

  #begin(run: Run): void {
    const performed = run
      .perform()
      .catch((cause: unknown) => this.#fail(cause))
      .finally(() => {
        this.#runs.delete(run)
        this.#free()
      })
    this.#runs.set(run, performed)
  }

  /** Sees to all that is still on its way. */
  async #end(): Promise<void> {
    const timers = [
      after(this.#settings.graceMs, () => this.#each((run) => run.interrupt())),
      after(this.#settings.graceMs + LEAVE_MS, () => this.#each((run) => run.leave())),
      after(this.#settings.graceMs + LEAVE_MS + CUTOFF_MS, () => this.#cutoff.abort()),
    ]
    await this.#settleClaim()
    await Promise.all(this.#runs.values())
    for (const timer of timers) clearTimeout(timer)
  }

  #each(act: (run: Run) => void): void {
    for (const run of this.#runs.keys()) act(run)
  }

  /** Gives back what a claim that was broken off has got. */
  async #settleClaim(): Promise<void> {
    if (this.#failure !== undefined) return
    const signal = this.#cutoff.signal
    const leases = await this.#claims.settle(signal).catch(() => []) // what it got is lost, and tried again
    await Promise.all(leases.map((lease) => giveBack(lease, this.#plan)))
  }

  #fail(cause: unknown): void {
    if (this.#failure === undefined) this.#tell({ kind: 'refused', reason: messageOf(cause) })
    this.#failure ??= { cause }
    this.#drain()
  }

  #heard(away: string | undefined): void {
    if (away !== undefined && !this.#isAway) this.#tell({ kind: 'away', reason: away })
    if (away === undefined && this.#isAway) this.#tell({ kind: 'back' })
    this.#isAway = away !== undefined
  }

  /** In a turn of its own, so that what a listener throws is its own matter. */
  #tell(event: WorkerEvent): void {
    const listener = this.#onEvent
    if (listener !== undefined) queueMicrotask(() => listener(event))
  }
}

const after = (ms: number, act: () => void): NodeJS.Timeout => setTimeout(act, ms)
