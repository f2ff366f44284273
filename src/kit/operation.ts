import { DomainError, TooComplex } from './errors.ts'

/** Bytes that an operation holds before it counts among the others: of what is small there may be any number. */
const SMALL = 65_536

/** What a caller may hold beyond what all may, out of a reserve that is a quarter of that. */
const MODEST = 1_048_576

/** Bytes that answers may hold while they are made and sent. */
interface Limits {
  readonly maxAnswerBytes: number
  readonly maxAnswerBytesPerCaller: number
  readonly maxAnswerBytesInAll: number
}

/** Whoever an operation is for. */
export interface Asker {
  /** Whose share it takes; asked only of what is large. */
  key(): string
  /** Whether the caller's connection has closed. */
  isGone(): boolean
  /** Calls back when it closes; answers how to stop listening. */
  onGone(listener: () => void): () => void
}

/** What all operations of a server hold. */
export class Holdings {
  readonly limits: Limits
  #all = 0
  readonly #callers = new Map<string, number>()

  constructor(limits: Limits) {
    this.limits = limits
  }

  /** How many more a caller may hold. */
  room(caller: string): number {
    const { maxAnswerBytesPerCaller, maxAnswerBytesInAll } = this.limits
    const held = this.#callers.get(caller) ?? 0
    const rest = maxAnswerBytesInAll - this.#all
    const reserved = Math.min(MODEST - held, rest + maxAnswerBytesInAll / 4)
    return Math.min(maxAnswerBytesPerCaller - held, Math.max(rest, reserved))
  }

  /** Why a caller cannot hold so many more, or undefined. */
  refusal(caller: string, bytes: number): TooComplex | undefined {
    if (bytes <= this.room(caller)) return undefined
    const { maxAnswerBytesPerCaller, maxAnswerBytesInAll } = this.limits
    return this.#all + bytes > maxAnswerBytesInAll
      ? new TooComplex(
          `All answers that are being made hold ${maxAnswerBytesInAll} bytes (MAX_ANSWER_BYTES_IN_ALL). Try again in a moment, or ask for smaller pages.`,
        )
      : new TooComplex(
          `The answers of one caller hold at most ${maxAnswerBytesPerCaller} bytes at a time (MAX_ANSWER_BYTES_PER_CALLER). Wait for those that are under way, or ask for smaller pages.`,
        )
  }

  /** Adds to what a caller holds; takes away what is negative. */
  add(caller: string, bytes: number): void {
    this.#all += bytes
    const held = (this.#callers.get(caller) ?? 0) + bytes
    if (held > 0) this.#callers.set(caller, held)
    else this.#callers.delete(caller)
  }
}

/** The caller has hung up, or has all of its answer. */
export class Gone extends DomainError {
  readonly code = 'TIMEOUT'
}

/** Made once: each request ends with it, and to make an error takes as long as much of a small answer. */
const GONE_OUT = new Gone('The answer has gone out.')

/**
 * One request, or one delivery of a subscription: how many bytes it holds of what others wrote, and whether it is still
 * to go on. What it reads is counted as it comes, before it is kept. When it holds too much, takes too long, or its
 * caller has gone, it is over: nothing more is begun for it but what a mutation is in the middle of.
 */
export class Operation {
  readonly #holdings: Holdings
  readonly #asker: Asker
  #held = 0
  /** As many of them as count among those of others. */
  #counted = 0
  #permitted = 0
  #isClosed = false
  #acting = 0
  #why: DomainError | undefined
  #stopListening: (() => void) | undefined
  readonly #listeners = new Set<() => void>()

  constructor(holdings: Holdings, asker: Asker) {
    this.#holdings = holdings
    this.#asker = asker
  }

  /** Why it is over, or undefined. */
  get why(): DomainError | undefined {
    return this.#why
  }

  get heldBytes(): number {
    return this.#held
  }

  /** Whether a mutation of it is being done, which is not ended in the middle. */
  get isActing(): boolean {
    return this.#acting > 0
  }

  /** Whether it holds so much that it has to be released. */
  get isLarge(): boolean {
    return this.#counted > 0
  }

  /** Most bytes that it may hold, whatever others do. */
  get maxBytes(): number {
    return Math.max(this.#permitted, this.#holdings.limits.maxAnswerBytes)
  }

  /** How many more bytes it may hold now. */
  get room(): number {
    const room = this.#holdings.room(this.#asker.key())
    return Math.max(0, Math.min(this.maxBytes - this.#held, room))
  }

  /** Throws why it is over, if it is. */
  check(): void {
    if (this.#why === undefined && this.#asker.isGone()) this.end(gone())
    if (this.#why !== undefined && !this.isActing) throw this.#why
  }

  /** Counts bytes that it is about to hold. Answers why it may not, and then it is over. */
  grow(bytes: number): DomainError | undefined {
    this.#held += bytes
    if (this.#held <= SMALL || this.#isClosed) return this.isActing ? undefined : this.#why
    const more = this.#held - this.#counted
    const why = this.isActing ? undefined : (this.#why ?? this.#refusal(more))
    if (why !== undefined) {
      this.#held -= bytes
      this.end(why)
      return why
    }
    this.#holdings.add(this.#asker.key(), more)
    this.#counted = this.#held
    return undefined
  }

  /** The same, but throws. */
  take(bytes: number): void {
    const why = this.grow(bytes)
    if (why !== undefined) throw why
  }

  /** Lets it hold so many bytes in any case. */
  permit(bytes: number): void {
    this.#permitted = bytes
  }

  /** Does what is not to be ended in the middle, however large and however long it is. */
  async act<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#acting += 1
    try {
      return await work()
    } finally {
      this.#acting -= 1
    }
  }

  /** Begins nothing more; whoever listens ends what is under way. */
  end(why: DomainError): void {
    if (this.#why !== undefined) return
    this.#why = why
    for (const listener of this.#listeners) listener()
  }

  /** Calls back when it is over, also because the caller hangs up; answers how to stop listening. */
  whenOver(listener: () => void): () => void {
    if (this.#why !== undefined) listener()
    this.#listeners.add(listener)
    this.#stopListening ??= this.#asker.onGone(() => this.end(gone()))
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#stopListening?.()
      this.#stopListening = undefined
    }
  }

  /** Holds nothing any more, and may begin anew. */
  release(): void {
    if (this.#counted > 0) this.#holdings.add(this.#asker.key(), -this.#counted)
    this.#held = 0
    this.#counted = 0
    this.#permitted = 0
    this.#why = undefined
  }

  /** A new one for the same asker. */
  again(): Operation {
    return new Operation(this.#holdings, this.#asker)
  }

  /** Its answer has gone out, or nobody waits for it: it holds nothing any more, and is over. */
  close(): void {
    const why = this.#why
    this.release()
    this.#isClosed = true
    this.#why = why
    this.end(GONE_OUT)
  }

  #refusal(more: number): TooComplex | undefined {
    if (this.#held <= this.#permitted) return undefined
    const { maxAnswerBytes } = this.#holdings.limits
    return this.#held > maxAnswerBytes
      ? tooLarge(maxAnswerBytes)
      : this.#holdings.refusal(this.#asker.key(), more)
  }
}

/** What whoever asks for too much is told. */
export const tooLarge = (maxAnswerBytes: number): TooComplex =>
  new TooComplex(
    `The answer would be larger than ${maxAnswerBytes} bytes (MAX_ANSWER_BYTES). Ask for smaller pages, or for fewer of the large values.`,
  )

const gone = (): Gone => new Gone('The caller has hung up.')
