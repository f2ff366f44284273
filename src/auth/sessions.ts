import type { Logger } from '../kit/logger.ts'
import type { Bus } from '../ports/bus/bus.ts'
import type { Authenticator } from './authenticate.ts'
import { covers } from './rights.ts'
import { chosenBy, choosing, type Viewer } from './viewer.ts'

/** The hint that somebody's rights have changed. */
const TOPIC = 'access'
/** How often all that is open is checked, for hints that were lost and for tokens that expire. */
const CHECK_MS = 2_000

/** One connection that lives on after its credential was looked at. */
export interface Session {
  /** Notes with what rights it now works. */
  saw(viewer: Viewer): void
  /** To be called when it has closed by itself. */
  end(): void
}

/** All that is open with one credential, for the organization that it chooses if any, and the most it was seen to be good for. */
interface Held {
  viewer: Viewer
  readonly closers: Set<() => void>
}

/**
 * The connections of this server that outlive a request: WebSockets, event streams, calls that stream. When their
 * credential is revoked or expires, or its person loses a membership or part of a role, they are closed: at once
 * when the hint comes, and when it is lost with the next check, which is one statement for all of them.
 */
export class Sessions {
  readonly #held = new Map<string, Held>()
  readonly #authenticator: Authenticator
  readonly #bus: Bus
  readonly #log: Pick<Logger, 'warn'>
  readonly #timer: NodeJS.Timeout
  readonly #listening: Promise<() => void>
  #checking: Promise<void> | undefined
  #isChecking = false
  #isWanted = false

  constructor(authenticator: Authenticator, bus: Bus, log: Pick<Logger, 'warn'>) {
    this.#authenticator = authenticator
    this.#bus = bus
    this.#log = log
    this.#timer = setInterval(() => this.#check(), CHECK_MS)
    this.#timer.unref()
    this.#listening = bus.subscribe(TOPIC, () => this.#heard())
    this.#listening.catch(() => {}) // the bus closed before it was heard
  }

  /** Credentials with which something is open now. */
  get size(): number {
    return this.#held.size
  }

  /** Closes a connection by `close` as soon as `viewer` is good for less than now. */
  open(viewer: Viewer, close: () => void): Session {
    const id = keyOf(viewer)
    if (id === undefined) return { saw: () => {}, end: () => {} }
    const key = `${id} ${chosenBy(viewer) ?? ''}`
    const held = this.#held.get(key) ?? { viewer, closers: new Set() }
    this.#held.set(key, held)
    const closer = (): void => close() // one function given twice is two connections
    held.closers.add(closer)
    const saw = (now: Viewer): void => {
      if (!covers(held.viewer, now) && covers(now, held.viewer)) held.viewer = now
    }
    saw(viewer)
    return {
      saw,
      end: () => {
        held.closers.delete(closer)
        if (held.closers.size === 0 && this.#held.get(key) === held) this.#held.delete(key)
      },
    }
  }

  /** To be called after every change of somebody's rights: no server goes by the old ones any longer. */
  changed(): void {
    this.#heard()
    this.#bus.publish(TOPIC, '')
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    void this.#listening.then(
      (stop) => stop(),
      () => {},
    )
    this.#held.clear()
    await this.#checking
  }

  #heard(): void {
    this.#authenticator.forget()
    this.#check()
  }

  /** One check at a time; one that is wanted meanwhile follows. */
  #check(): void {
    this.#isWanted = true
    if (!this.#isChecking) this.#checking = this.#checkWhileWanted()
  }

  async #checkWhileWanted(): Promise<void> {
    this.#isChecking = true
    try {
      while (this.#isWanted && this.#held.size > 0) {
        this.#isWanted = false
        await this.#checkAll()
      }
    } catch (cause) {
      this.#log.warn({ err: cause }, 'could not look up who may still be connected; trying again')
    } finally {
      this.#isChecking = false
    }
  }

  async #checkAll(): Promise<void> {
    const asked = new Map([...this.#held].map(([key, held]) => [key, { held, was: held.viewer }]))
    const ids = [...asked.values()].flatMap(({ was }) => keyOf(was) ?? [])
    const present = await this.#authenticator.present([...new Set(ids)])
    for (const [key, { held, was }] of asked) {
      if (held.viewer !== was) continue // it was seen anew meanwhile: the next check is for it
      const whole = present.get(keyOf(was) ?? '')
      const chosen = chosenBy(was)
      const now = whole && chosen !== undefined ? choosing(whole, chosen) : whole
      if (now !== undefined && covers(now, was)) {
        held.viewer = now
        continue
      }
      if (this.#held.get(key) === held) this.#held.delete(key)
      for (const close of held.closers) close()
    }
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
