import type { Worker } from 'node:worker_threads'
import { Unavailable } from '../errors.ts'
import type { Operation } from '../operation.ts'

/** What a thread tells first, when it has begun: the time that it took for that is no task's. */
export const READY = 'ready'

/** What a pool may have to do, and how long it does it. */
export interface PoolLimits {
  /** After this the thread is ended, and what it was doing has no answer. */
  readonly limitMs: number
  /** Tasks of one caller, and of all, that may wait. Whoever has none waiting gets in until there are twice as many. */
  readonly maxOfOne: number
  readonly maxOfAll: number
  /** The same for their characters; a caller's only task may have more than his share. */
  readonly maxCharactersOfOne: number
  readonly maxCharacters: number
  /** How long an idle thread is kept. */
  readonly idleMs: number
}

/** Who waits for a task: nobody any more when its operation is over. */
export interface Caller {
  readonly key: string
  readonly operation: Pick<Operation, 'why' | 'isActing' | 'whenOver'>
}

interface Waiting<Task, Answer extends object> {
  readonly task: Task
  readonly characters: number
  readonly resolve: (answer: Promise<Answer | undefined>) => void
  /** Listens no more to whether anybody waits for it. */
  leave: () => void
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
   * caller waits already, or of all, and why the operation is over if it ends before the task begins.
   */
  async do(
    { key, operation }: Caller,
    task: Task,
    characters: number,
  ): Promise<Answer | undefined> {
    const own = this.#waiting.get(key) ?? []
    if (!this.#hasRoom(own, characters))
      throw new Unavailable('TOO_MANY_CHECKS', 'Too many checks that may take long are waiting.', 1)
    return new Promise((resolve, reject) => {
      const waiting: Waiting<Task, Answer> = { task, characters, resolve, leave: () => {} }
      this.#count += 1
      this.#characters += characters
      this.#waiting.set(key, own)
      own.push(waiting)
      if (!this.#isBusy) void this.#work()
      if (!own.includes(waiting)) return // it has begun
      waiting.leave = operation.whenOver(() => {
        if (operation.isActing || !this.#drop(key, waiting)) return
        reject(operation.why)
      })
    })
  }

  #hasRoom(own: readonly Waiting<Task, Answer>[], characters: number): boolean {
    const { maxOfOne, maxOfAll, maxCharactersOfOne, maxCharacters } = this.#limits
    const all = this.#characters + characters
    if (own.length === 0)
      return this.#count === 0 || (this.#count < 2 * maxOfAll && all <= 2 * maxCharacters)
    const ofOne = own.reduce((sum, one) => sum + one.characters, characters)
    const isShare = own.length < maxOfOne && ofOne <= maxCharactersOfOne
    return isShare && this.#count < maxOfAll && all <= maxCharacters
  }

  /** Takes out what waits; false if it does no more. */
  #drop(key: string, waiting: Waiting<Task, Answer>): boolean {
    const own = this.#waiting.get(key) ?? []
    const place = own.indexOf(waiting)
    if (place < 0) return false
    own.splice(place, 1)
    if (own.length === 0) this.#waiting.delete(key)
    this.#left(waiting)
    return true
  }

  #left({ characters, leave }: Waiting<Task, Answer>): void {
    this.#count -= 1
    this.#characters -= characters
    leave()
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
      this.#left(next)
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
