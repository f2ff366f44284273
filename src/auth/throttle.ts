import { QuotaReached } from '../kit/errors.ts'

/** How many failures in a row are forgiven, and how long it takes until one of them is forgotten. */
interface Rule {
  readonly failures: number
  readonly forgetMs: number
}

/** Somebody who mistypes is let in; who tries a list of passwords is not: 10, then one a minute. */
const PER_EMAIL: Rule = { failures: 10, forgetMs: 60_000 }
/** Many people may come from one address. */
const PER_ADDRESS: Rule = { failures: 30, forgetMs: 20_000 }
/** Names and addresses remembered of each kind; past that, those are forgotten whose last failure is oldest. */
const MAX_REMEMBERED = 10_000

export interface Attempt {
  succeeded(): void
  /** It was neither right nor wrong. */
  withdraw(): void
}

/**
 * Slows down who tries out passwords. An attempt counts as failed from its beginning, so that a hundred at once gain
 * nothing, and is taken back when it succeeds.
 */
export class Throttle {
  readonly #emails: Failures
  readonly #addresses: Failures

  /** `now` is in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#emails = new Failures(PER_EMAIL, now)
    this.#addresses = new Failures(PER_ADDRESS, now)
  }

  /** Counts an attempt, until it is told how it ended. Throws QuotaReached when there were too many. */
  attempt(email: string, address: string): Attempt {
    this.#emails.check(email)
    this.#addresses.check(address)
    this.#emails.add(email)
    this.#addresses.add(address)
    return {
      succeeded: () => {
        this.#emails.forget(email)
        this.#addresses.takeBack(address)
      },
      withdraw: () => {
        this.#emails.takeBack(email)
        this.#addresses.takeBack(address)
      },
    }
  }
}

/** Failures by name, each a debt that is forgotten as time goes by. */
class Failures {
  readonly #rule: Rule
  readonly #now: () => number
  readonly #debts = new Map<string, { failures: number; at: number }>()

  constructor(rule: Rule, now: () => number) {
    this.#rule = rule
    this.#now = now
  }

  check(name: string): void {
    const { failures, forgetMs } = this.#rule
    const over = this.#left(name) - (failures - 1)
    if (over > 0)
      throw new QuotaReached(
        'Signing in has failed too often: wait before you try again.',
        failures,
        Math.ceil((over * forgetMs) / 1000),
      )
  }

  add(name: string): void {
    this.#set(name, this.#left(name) + 1)
    for (const oldest of this.#debts.keys()) {
      if (this.#debts.size <= MAX_REMEMBERED) return
      this.#debts.delete(oldest)
    }
  }

  takeBack(name: string): void {
    this.#set(name, this.#left(name) - 1)
  }

  forget(name: string): void {
    this.#debts.delete(name)
  }

  #left(name: string): number {
    const debt = this.#debts.get(name)
    if (debt === undefined) return 0
    return Math.max(0, debt.failures - (this.#now() - debt.at) / this.#rule.forgetMs)
  }

  #set(name: string, failures: number): void {
    this.#debts.delete(name) // to the end: the first is the one that failed longest ago
    if (failures > 0) this.#debts.set(name, { failures, at: this.#now() })
  }
}
