import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MessageChannel, Worker } from 'node:worker_threads'
import type { DatabaseLog } from './log.ts'
import { PortStream } from './port-stream.ts'

/** PostgreSQL inside this process: PGlite in a worker thread. */
export interface Embedded {
  /** A new client's connection, for the `stream` option of `pg`. */
  connect(): PortStream
  /** Shuts PostgreSQL down in order. Whoever is still connected is cut off. */
  close(): Promise<void>
}

export interface EmbeddedOptions {
  /** Where its files are. Two servers on one folder destroy it: hold the lock of the data folder. */
  readonly folder: string
  readonly log: DatabaseLog
  /** How long an open transaction may be silent; it keeps everybody else waiting. */
  readonly idleInTransactionMs?: number
  /**
   * How long one statement may run. PGlite cannot interrupt one, so its thread is ended and started again,
   * which is as safe for the data as a crash.
   */
  readonly statementLimitMs?: number
}

interface Running {
  readonly worker: Worker
  readonly streams: Set<PortStream>
}

const WATCH_MS = 500
const CLOSE_MS = 10_000
/** How long it is left alone after it could not be started. */
const FIRST_DELAY_MS = 250
const MAX_DELAY_MS = 4_000

/**
 * Starts PostgreSQL on a folder and resolves once it answers. If its thread ends by itself, all connections
 * fail with an error that says so, and the next connection starts it again.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { log } = options
  let closed = false
  let current: Promise<Running> | undefined
  let ended: Promise<void> = Promise.resolve()
  /** Why it could not be started, for whoever connects before the next try. */
  let failure:
    | { readonly cause: unknown; readonly delayMs: number; readonly until: number }
    | undefined

  await running()

  function running(): Promise<Running> {
    if (closed) return Promise.reject(new Error('The embedded database is closed.'))
    if (failure !== undefined && performance.now() < failure.until)
      return Promise.reject(failure.cause)
    current ??= boot()
    return current
  }

  async function boot(): Promise<Running> {
    await ended // never two threads on one folder
    const making = await unfinished(options.folder)
    const thread = new Thread(options)
    ended = thread.ended.then((reason) => {
      current = undefined
      if (!closed) log.error(reason.message)
    })
    try {
      await thread.ready
    } catch (cause) {
      // to start takes a second of a processor, and a full disk may stay full
      const delayMs = Math.min((failure?.delayMs ?? FIRST_DELAY_MS / 2) * 2, MAX_DELAY_MS)
      failure = { cause, delayMs, until: performance.now() + delayMs }
      throw cause
    }
    failure = undefined
    await rm(making, { force: true })
    return thread
  }

  async function portOf(stream: PortStream) {
    const { worker, streams } = await running()
    streams.add(stream)
    stream.once('close', () => streams.delete(stream))
    const { port1, port2 } = new MessageChannel()
    worker.postMessage({ kind: 'connect', port: port2 }, [port2])
    return port1
  }

  return {
    connect() {
      const stream: PortStream = new PortStream(() => portOf(stream))
      return stream
    },
    async close() {
      if (closed) return ended
      const last = current
      closed = true
      const thread = await last?.catch(() => undefined)
      if (!thread) return ended
      thread.worker.postMessage({ kind: 'close' }, [])
      const late = setTimeout(() => void thread.worker.terminate(), CLOSE_MS)
      await ended
      clearTimeout(late)
    },
  }
}

/**
 * Makes the folder, and a mark beside it for as long as the first database is being written into it: what a
 * process has left that was killed meanwhile is no database and begins anew. Returns the mark's path.
 */
async function unfinished(folder: string) {
  const mark = `${folder}.unfinished`
  if (existsSync(mark)) await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if (!existsSync(join(folder, 'PG_VERSION'))) await writeFile(mark, '')
  return mark
}

/** One life of the worker thread. */
class Thread implements Running {
  readonly worker: Worker
  readonly streams = new Set<PortStream>()
  readonly ready: Promise<void>
  /** Resolves with the reason when the thread is gone and all its connections have been told. */
  readonly ended: Promise<Error>

  constructor({
    folder,
    idleInTransactionMs = 10_000,
    statementLimitMs = 60_000,
  }: EmbeddedOptions) {
    const batch = new Int32Array(new SharedArrayBuffer(4))
    const worker = new Worker(new URL('./embedded.worker.js', import.meta.url), {
      workerData: { folder, idleInTransactionMs, running: batch },
      // a flag such as tsx's loader has no business in there
      execArgv: [],
    })
    this.worker = worker
    let reason = new Error('The embedded database has ended.')

    let last = 0
    let seen = 0
    const watch = setInterval(() => {
      const now = Atomics.load(batch, 0)
      seen = now !== 0 && now === last ? seen + 1 : 0
      last = now
      if (seen * WATCH_MS < statementLimitMs) return
      reason = new Error(
        `A statement ran longer than ${statementLimitMs} ms in the embedded database, which was restarted to end it.`,
      )
      void worker.terminate()
    }, WATCH_MS)
    watch.unref()

    worker.on('error', (cause) => {
      reason = new Error(`The embedded database has failed: ${cause.message}`, { cause })
    })
    this.ended = new Promise((resolve) => {
      worker.once('exit', () => {
        clearInterval(watch)
        for (const stream of this.streams) stream.destroy(reason)
        resolve(reason)
      })
    })
    this.ready = new Promise((resolve, reject) => {
      worker.once('message', () => {
        worker.unref() // connections keep the process alive, as sockets would
        resolve()
      })
      void this.ended.then(reject)
    })
  }
}
