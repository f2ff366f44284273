import type { Metrics } from '../metrics/metrics.ts'

/** Who listens to which topic in this process: what every adapter of the Bus needs. */
export interface Listeners {
  /** The topics that somebody listens to. */
  topics(): readonly string[]
  has(topic: string): boolean
  /** Adds one listener; the returned function removes it, and may be called again. */
  add(topic: string, listener: (hint: string) => void): () => void
  /** Calls everyone who listens to `topic` at this moment. What one of them throws goes to `report`. */
  tell(topic: string, hint: string): void
  clear(): void
}

export function listenersOf(
  metrics: Metrics,
  report: (cause: unknown, topic: string) => void,
): Listeners {
  const entries = new Map<string, Set<{ listener: (hint: string) => void }>>()
  return {
    topics: () => [...entries.keys()],
    has: (topic) => entries.has(topic),
    add(topic, listener) {
      const entry = { listener } // one function that subscribes twice is two listeners
      const here = entries.get(topic) ?? new Set()
      entries.set(topic, here.add(entry))
      return () => {
        here.delete(entry)
        if (here.size === 0 && entries.get(topic) === here) entries.delete(topic)
      }
    },
    tell(topic, hint) {
      const here = entries.get(topic)
      if (here === undefined) return
      const present = [...here] // who joins while it is told does not hear it
      for (const entry of present) {
        if (!here.has(entry)) continue // one before it has removed it
        metrics.count('millrace_bus_hints_received_total', 1)
        try {
          entry.listener(hint)
        } catch (cause) {
          report(cause, topic)
        }
      }
    },
    clear: () => {
      for (const here of entries.values()) here.clear()
      entries.clear()
    },
  }
}

/** The bus was closed; nobody will hear anything. */
export const busIsClosed = (): Error => new Error('The bus is closed.')
