import { QuotaReached } from '../kit/errors.ts'

/** How many failures in a row are forgiven, and how long it takes until one of them is forgotten. */
interface Rule {
  readonly failures: number
  readonly forgetMs: number
}

/** Somebody who mistypes is let in; who tries a list of passwords is not: 10, then one a minute. */
const PER_PAIR: Rule = { failures: 10, forgetMs: 60_000 }
/** Many people may come from one network. */
const PER_NETWORK: Rule = { failures: 30, forgetMs: 20_000 }
/** Whoever commands many networks may try no more than so many passwords of one person (NIST SP 800-63B, 5.2.2). */
const PER_EMAIL: Rule = { failures: 100, forgetMs: 60_000 }
/** Names remembered of each kind; past that, those are forgotten whose last failure is oldest. */
const MAX_REMEMBERED = 10_000

export interface Attempt {
  /** It was right, or neither right nor wrong. What failed before stays counted: a success is no licence to try others. */
  withdraw(): void
}

/** Where an attempt comes from. */
export interface From {
  readonly network: string
  /** The person's own session that it is made in, if any: it is told apart from whoever else is in the network. */
  readonly session?: string | undefined
}

/**
 * Slows down who tries out passwords, without shutting out the person whose they are (OWASP, Slow Down Online
 * Guessing Attacks with Device Cookies, with sessions and networks for devices): failures are counted by pair of
 * network and e-mail, by network, and by e-mail over all networks. The last count does not hold for networks that the
 * person has signed in from; within an open session only its own failures count. An attempt counts as failed from its
 * beginning, so that a hundred at once gain nothing.
 */
export class Throttle {
  readonly #pairs: Failures
  readonly #networks: Failures
  readonly #emails: Failures

  /** `now` is in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#pairs = new Failures(PER_PAIR, now)
    this.#networks = new Failures(PER_NETWORK, now)
    this.#emails = new Failures(PER_EMAIL, now)
  }

  /**
   * Counts an attempt, until it is told how it ended. Throws QuotaReached when there were too many. `isKnown` says
   * whether the person has signed in from this network; it is asked only when strangers have used up the person's count.
   */
  async attempt(
    email: string,
    { network, session }: From,
    isKnown: () => Promise<boolean>,
  ): Promise<Attempt> {
    const counts: (readonly [Failures, string])[] = [
      [this.#pairs, `${session ?? network} ${email}`],
      ...(session === undefined ? [[this.#networks, network] as const] : []),
    ]
    for (const [failures, name] of counts) failures.check(name)
    for (const [failures, name] of counts) failures.add(name)
    const withdraw = (): void => {
      for (const [failures, name] of counts) failures.takeBack(name)
    }
    if (session !== undefined) return { withdraw }
    try {
      if (this.#emails.isOver(email) && !(await isKnown())) this.#emails.check(email)
    } catch (cause) {
      withdraw()
      throw cause
    }
    this.#emails.add(email)
    counts.push([this.#emails, email])
    return { withdraw }
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

  isOver(name: string): boolean {
    return this.#over(name) > 0
  }

  /** Throws QuotaReached when there were too many. */
  check(name: string): void {
    const { failures, forgetMs } = this.#rule
    const over = this.#over(name)
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

  #over(name: string): number {
    return this.#left(name) - (this.#rule.failures - 1)
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
