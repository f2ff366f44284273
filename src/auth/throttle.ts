import { LRUCache } from 'lru-cache'
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
  /** The only accounts whose passwords may be tried; undefined for all that have the e-mail. */
  readonly accounts: ReadonlySet<string> | undefined
  /** It was right, or neither right nor wrong. What failed before stays counted: a success is no licence to try others. */
  withdraw(): void
}

/** Where an attempt comes from. */
export interface From {
  readonly network: string
  /** The account whose session it is made in, if that has the e-mail: it is told apart from whoever else is in the network. */
  readonly session?: string | undefined
}

/**
 * Slows down who tries out passwords, without shutting out the person whose they are (OWASP, Slow Down Online
 * Guessing Attacks with Device Cookies, with sessions and networks for devices): failures are counted by pair of
 * network and e-mail, by network, and by e-mail over all networks. Once a count is used up, only accounts are tried that
 * are no strangers: past the last count those that have signed in from this network, and past any the one whose session
 * it is, which has a count of its own. The others that have the same e-mail, which anybody may give to an account, are
 * left out. An attempt counts as failed from its beginning, so that a hundred at once gain nothing.
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
   * Counts an attempt, until it is told how it ended. Throws QuotaReached when there were too many. `knownHere` finds
   * the accounts that have signed in from this network; it is asked only when strangers have used up the e-mail's count.
   */
  async attempt(
    email: string,
    { network, session }: From,
    knownHere: () => Promise<readonly string[]>,
  ): Promise<Attempt> {
    const own = session === undefined ? [] : [session]
    const strangers: Count[] = [
      [this.#pairs, `${network} ${email}`],
      [this.#networks, network],
    ]
    const sessions = own.map((id): Count => [this.#pairs, `${id} ${email}`])
    if (own.length > 0 && strangers.some(([failures, name]) => failures.isOver(name)))
      return { accounts: new Set(own), withdraw: counted(sessions) }
    const withdraw = counted(strangers, sessions)
    let accounts: ReadonlySet<string> | undefined
    try {
      if (this.#emails.isOver(email)) accounts = new Set([...own, ...(await knownHere())])
      if (accounts?.size === 0) {
        this.#emails.check(email)
        accounts = undefined // one of the failures was forgotten meanwhile
      }
    } catch (cause) {
      withdraw()
      throw cause
    }
    this.#emails.add(email)
    return {
      accounts,
      withdraw: () => {
        withdraw()
        this.#emails.takeBack(email)
      },
    }
  }
}

type Count = readonly [failures: Failures, name: string]

/** Adds to all these counts and to more, unless one of the first is used up. Answers how that is taken back. */
function counted(checked: readonly Count[], more: readonly Count[] = []): () => void {
  const all = [...checked, ...more]
  for (const [failures, name] of checked) failures.check(name)
  for (const [failures, name] of all) failures.add(name)
  return () => {
    for (const [failures, name] of all) failures.takeBack(name)
  }
}

/** Failures by name, each a debt that is forgotten as time goes by. */
class Failures {
  readonly #rule: Rule
  readonly #now: () => number
  /** Those that failed last. */
  readonly #debts = new LRUCache<string, { failures: number; at: number }>({ max: MAX_REMEMBERED })

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
  }

  takeBack(name: string): void {
    this.#set(name, this.#left(name) - 1)
  }

  #over(name: string): number {
    return this.#left(name) - (this.#rule.failures - 1)
  }

  #left(name: string): number {
    const debt = this.#debts.peek(name)
    if (debt === undefined) return 0
    return Math.max(0, debt.failures - (this.#now() - debt.at) / this.#rule.forgetMs)
  }

  #set(name: string, failures: number): void {
    if (failures > 0) this.#debts.set(name, { failures, at: this.#now() })
    else this.#debts.delete(name)
  }
}
