import type { Logger } from '../../kit/logger.ts'
import { type Metrics, unmeasured } from '../metrics/metrics.ts'
import type { Bus } from './bus.ts'
import { busIsClosed, listenersOf } from './listeners.ts'

/**
 * A Bus for one server alone. Hints reach listeners in order, after the publisher's own stack has unwound:
 * whoever publishes inside a transaction or a loop never runs somebody else's code there.
 */
export function inProcessBus({
  log,
  metrics = unmeasured,
}: { log?: Pick<Logger, 'error'>; metrics?: Metrics } = {}): Bus {
  const listeners = listenersOf(metrics, (cause, topic) => {
    if (log) log.error({ err: cause, topic }, 'A listener of the bus failed.')
    else process.emitWarning(cause instanceof Error ? cause : String(cause))
  })
  let waiting: { topic: string; hint: string }[] = []
  let closed = false

  function deliver(): void {
    const hints = waiting
    waiting = []
    for (const { topic, hint } of hints) listeners.tell(topic, hint)
  }

  return {
    publish(topic, hint) {
      if (closed) return
      metrics.count('millrace_bus_hints_published_total', 1)
      if (!listeners.has(topic)) return
      if (waiting.push({ topic, hint }) === 1) setImmediate(deliver)
    },
    async subscribe(topic, listener) {
      if (closed) throw busIsClosed()
      return listeners.add(topic, listener)
    },
    async close() {
      closed = true
      waiting = []
      listeners.clear()
    },
  }
}
