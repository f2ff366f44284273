import type { Worker } from 'node:worker_threads'
import { Unavailable } from '../errors.ts'

/** What a thread tells first, when it has begun: the time that it took for that is no task's. */
export const READY = 'ready'

/** What a pool may have to do, and how long it does it. */
export interface PoolLimits {
  /** After this the thread is ended, and what it was doing has no answer. */
  readonly limitMs: number
  /** Tasks of one caller, and of all, that may wait. */
  readonly maxOfOne: number
  readonly maxOfAll: number
  /** Characters of all that wait. One task alone may have more. */
  readonly maxCharacters: number
  /** How long an idle thread is kept. */
  readonly idleMs: number
}

interface Waiting<Task, Answer extends object> {
  readonly task: Task
  readonly characters: number
  readonly resolve: (answer: Promise<Answer | undefined>) => void
}

/**
 * One thread that does what may take long, one task after the other. Callers take turns, so that whoever has much to do
 * waits for himself. A thread that takes too long for a task, or too much memory, is ended, and the next one begins anew.
 */
export class Pool<Task, Answer extends object> {
  readonly #start: () => Worker
  readonly #limits: PoolLimits
  /** What waits, by its caller; whose turn is next comes first. */
  readonly #waiting = new Map<string, Waiting<Task, Answer>[]>()
  #count = 0
  #characters = 0
  #isBusy = false
  #isReady = false
  /** Starts the clock of the first task of a thread. */
  #whenReady: (() => void) | undefined
  #thread: Worker | undefined
  /** Tells whoever waits for the thread what came of it. */
  #tell: ((answer: Answer | Error | undefined) => void) | undefined
  #idle: NodeJS.Timeout | undefined

  constructor(start: () => Worker, limits: PoolLimits) {
    this.#start = start
    this.#limits = limits
  }

  /**
   * The answer to a task; undefined when it took too much time or memory. Throws Unavailable when too much of this
   * caller waits already, or of all.
   */
  async do(caller: string, task: Task, characters: number): Promise<Answer | undefined> {
    const own = this.#waiting.get(caller) ?? []
    const { maxOfOne, maxOfAll, maxCharacters } = this.#limits
    const isMuch = this.#characters > 0 && this.#characters + characters > maxCharacters
    if (isMuch || own.length >= maxOfOne || this.#count >= maxOfAll)
      throw new Unavailable('check', 'Too many checks that may take long are waiting.', 1)
    return new Promise((resolve) => {
      this.#count += 1
      this.#characters += characters
      this.#waiting.set(caller, own)
      own.push({ task, characters, resolve })
      if (!this.#isBusy) void this.#work()
    })
  }

  async #work(): Promise<void> {
    this.#isBusy = true
    clearTimeout(this.#idle)
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      const answer = this.#answer(next.task)
      next.resolve(answer)
      await answer.catch(() => {}) // who asked hears of it
    }
    this.#isBusy = false
    this.#thread?.unref()
    this.#idle = setTimeout(() => this.#end(), this.#limits.idleMs).unref()
  }

  #take(): Waiting<Task, Answer> | undefined {
    for (const [caller, own] of this.#waiting) {
      this.#waiting.delete(caller)
      const next = own.shift()
      if (own.length > 0) this.#waiting.set(caller, own)
      if (next === undefined) continue
      this.#count -= 1
      this.#characters -= next.characters
      return next
    }
    return undefined
  }

  #answer(task: Task): Promise<Answer | undefined> {
    return new Promise((resolve, reject) => {
      const thread = (this.#thread ??= this.#begin())
      let late: NodeJS.Timeout | undefined
      const begin = (): void => {
        late = setTimeout(() => this.#end(), this.#limits.limitMs)
      }
      if (this.#isReady) begin()
      else this.#whenReady = begin
      this.#tell = (answer) => {
        this.#tell = undefined
        clearTimeout(late)
        if (answer instanceof Error) reject(answer)
        else resolve(answer)
      }
      thread.ref()
      thread.postMessage(task, [])
    })
  }

  #begin(): Worker {
    const thread = this.#start()
    const gone = (cause?: Error): void => {
      if (this.#thread === thread) this.#end(cause)
    }
    this.#isReady = false
    thread.on('message', (answer: Answer | typeof READY) => {
      if (this.#thread !== thread) return
      if (answer === READY) {
        this.#isReady = true
        this.#whenReady?.()
      } else this.#tell?.(answer)
    })
    thread.on('error', (cause: Error) => gone(isOutOfMemory(cause) ? undefined : cause))
    thread.on('exit', (code) => gone(new Error(`The thread has ended with ${code}.`)))
    return thread
  }

  /** Ends the thread; what it was doing has no answer, or has failed. */
  #end(cause?: Error): void {
    void this.#thread?.terminate()
    this.#thread = undefined
    this.#tell?.(cause)
  }
}

const isOutOfMemory = (cause: Error): boolean =>
  'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY'
