import type { Config } from '../../config.ts'
import type { Quotas } from '../../context.ts'
import { QuotaReached } from '../../kit/errors.ts'
import { Holdings, Operation } from '../../kit/operation.ts'
import { Buckets } from './bucket.ts'

/** When to come again for a place that somebody else has to give back first. */
const RETRY_SECONDS = 5

/** Counts what callers have at once and how often they come, on this server alone. */
export function quotas(config: Config, now: () => number = () => performance.now()): Quotas {
  const { operationsPerSecond, maxSockets, maxSubscriptions } = config
  const buckets = new Buckets(operationsPerSecond, now)
  const sockets = places(maxSockets, 'WebSockets', 'MAX_SOCKETS')
  const waiting = places(maxSockets, 'WebSockets that have not said who they are', 'MAX_SOCKETS')
  const subscriptions = places(maxSubscriptions, 'subscriptions', 'MAX_SUBSCRIPTIONS')
  const holdings = new Holdings(config)
  return {
    openOperation: (asker) => new Operation(holdings, asker),
    takeOperation(caller) {
      if (operationsPerSecond === 0) return
      const wait = buckets.take(caller)
      if (wait > 0)
        throw new QuotaReached(
          `A caller may begin ${operationsPerSecond} operations a second (OPERATIONS_PER_SECOND).`,
          operationsPerSecond,
          Math.ceil(wait),
        )
    },
    takeSocket: sockets,
    takeWaitingSocket: waiting,
    takeSubscription: subscriptions,
  }
}

/** A function that takes a caller's place among so many, and answers how to give it back. */
function places(max: number, what: string, setting: string): (caller: string) => () => void {
  const taken = new Map<string, number>()
  return (caller) => {
    const held = taken.get(caller) ?? 0
    if (held >= max)
      throw new QuotaReached(
        `A caller has at most ${max} ${what} at once (${setting}).`,
        max,
        RETRY_SECONDS,
      )
    taken.set(caller, held + 1)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const left = (taken.get(caller) ?? 1) - 1
      if (left > 0) taken.set(caller, left)
      else taken.delete(caller)
    }
  }
}
