import type { Logger } from '../kit/logger.ts'
import { Rounds } from '../kit/rounds.ts'
import type { Bus } from '../ports/bus/bus.ts'
import type { Authenticator } from './authenticate.ts'
import { covers } from './rights.ts'
import type { Right } from './noted-rights.ts'
import { chosenBy, choosing, type Viewer } from './viewer.ts'

/** The hint that somebody's rights have changed. */
const TOPIC = 'access'
/** How often all that is open is checked, for hints that were lost and for tokens that expire. */
const CHECK_MS = 2_000

/** Something that lives on after its credential was looked at. */
export interface Lasting {
  /** Ends it: its credential is good for nothing any more, or for less in what it needs. */
  close(): void
  /** The rights that it was found to need; undefined for all that its viewer has. */
  readonly needed?: readonly Right[] | undefined
  /** Told what its viewer is good for now, when it goes on. */
  changed?(viewer: Viewer): void
}

export interface Session {
  /** To be called when it has closed by itself. */
  end(): void
}

/**
 * What of this server outlives a request: WebSockets, subscriptions, calls that stream. When their credential is
 * revoked or expires they are closed, and so is what needs an organization in which its person is no member any more or
 * has too little a role for it; all else goes on. At once when the hint comes, and when it is lost with the next
 * check, which is one statement for all of them.
 */
export class Sessions {
  /** What is open with each credential, and what its viewer was good for when it was last looked at. */
  readonly #held = new Map<string, Map<Lasting, Viewer>>()
  readonly #authenticator: Authenticator
  readonly #bus: Bus
  readonly #checks: Rounds
  readonly #listening: Promise<() => void>

  constructor(authenticator: Authenticator, bus: Bus, log: Pick<Logger, 'warn'>) {
    this.#authenticator = authenticator
    this.#bus = bus
    this.#checks = new Rounds(
      () => this.#checkAll(),
      (err) => log.warn({ err }, 'could not look up who may still be connected; trying again'),
    ).every(CHECK_MS)
    this.#listening = bus.subscribe(TOPIC, () => this.#heard())
    this.#listening.catch(() => {}) // the bus closed before it was heard
  }

  /** Credentials with which something is open now. */
  get size(): number {
    return this.#held.size
  }

  /** Watches over something that `viewer` has opened, until it ends. */
  open(viewer: Viewer, lasting: Lasting): Session {
    const key = keyOf(viewer)
    if (key === undefined) return { end: () => {} }
    const held = this.#held.get(key) ?? new Map<Lasting, Viewer>()
    this.#held.set(key, held)
    held.set(lasting, viewer)
    return { end: () => this.#let(key, held, lasting) }
  }

  /** To be called after every change of somebody's rights: no server goes by the old ones any longer. */
  changed(): void {
    this.#heard()
    this.#bus.publish(TOPIC, '')
  }

  async close(): Promise<void> {
    const checked = this.#checks.close()
    void this.#listening.then(
      (stop) => stop(),
      () => {},
    )
    this.#held.clear()
    await checked
  }

  #heard(): void {
    this.#authenticator.forget()
    void this.#checks.ask()
  }

  async #checkAll(): Promise<void> {
    if (this.#held.size === 0) return
    // what is opened meanwhile is for the next check
    const asked = [...this.#held].map(([key, held]) => ({ key, held, all: [...held] }))
    const present = await this.#authenticator.present(asked.map(({ key }) => key))
    for (const { key, held, all } of asked) {
      const whole = present.get(key)
      for (const [lasting, was] of all) {
        if (!held.has(lasting)) continue // it has ended meanwhile
        const chosen = chosenBy(was)
        const now = whole && chosen !== undefined ? choosing(whole, chosen) : whole
        if (now !== undefined && covers(now, was, lasting.needed)) {
          held.set(lasting, now)
          lasting.changed?.(now)
          continue
        }
        this.#let(key, held, lasting)
        lasting.close()
      }
    }
  }

  #let(key: string, held: Map<Lasting, Viewer>, lasting: Lasting): void {
    held.delete(lasting)
    if (held.size === 0 && this.#held.get(key) === held) this.#held.delete(key)
  }
}

function keyOf(viewer: Viewer): string | undefined {
  switch (viewer.kind) {
    case 'token':
      return viewer.tokenId
    case 'user':
      return viewer.user.id
    case 'front':
    case 'anonymous':
      return undefined
  }
}
