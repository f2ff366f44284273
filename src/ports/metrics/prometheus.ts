import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { catalogue, type Definition } from './catalogue.ts'
import type { Metrics } from './metrics.ts'

const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

type Read = () => number | Readonly<Record<string, number>>

/** Of the process, in which there may be several servers: begun with the first one. */
let ofProcess: Registry | undefined

/** Metrics kept and written by prom-client. */
export function prometheusMetrics(): Metrics {
  if (ofProcess === undefined) {
    ofProcess = new Registry()
    collectDefaultMetrics({ register: ofProcess })
  }
  const registers = [new Registry()]
  const counters = new Map<string, Counter>()
  const histograms = new Map<string, Histogram>()
  const gauges = new Map<string, Gauge>()
  const readings = new Map<string, Read>()
  for (const [name, { type, help, labels, buckets }] of Object.entries<Definition>(catalogue)) {
    const configuration = { name, help, labelNames: Object.keys(labels), registers }
    switch (type) {
      case 'counter':
        counters.set(name, new Counter(configuration))
        break
      case 'histogram':
        histograms.set(name, new Histogram({ ...configuration, buckets: [...(buckets ?? [])] }))
        break
      case 'gauge':
        gauges.set(
          name,
          new Gauge({
            ...configuration,
            collect() {
              const reading = readings.get(name)?.() ?? {}
              if (typeof reading === 'number') return this.set(reading)
              for (const [label, values] of Object.entries(labels))
                for (const value of values) this.set({ [label]: value }, reading[value] ?? 0)
            },
          }),
        )
        break
    }
  }
  const all = Registry.merge([...registers, ofProcess])
  return {
    count: (name, by, ...[labels]) => counters.get(name)?.inc(given(labels), by),
    observe: (name, value, ...[labels]) => histograms.get(name)?.observe(given(labels), value),
    gauge: (name, read) => void readings.set(name, read as Read), // as the catalogue has it
    async read(format) {
      const text = await all.metrics()
      return format === 'prometheus'
        ? { contentType: Registry.PROMETHEUS_CONTENT_TYPE, text }
        : { contentType: OPENMETRICS, text: openMetrics(text) }
    },
  }
}

const none = {}

/** The catalogue's types have seen to it that labels are texts. */
const given = (labels: object | undefined) => (labels ?? none) as Record<string, string>

/**
 * The same in OpenMetrics: the family of a counter is named without `_total`, there are no empty lines, and the end
 * is marked. (prom-client's own writer renames the counters for good, so that one registry cannot speak both.)
 */
function openMetrics(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '')
  const counted = new Set(
    lines.flatMap((line) => /^# TYPE (\S+)_total counter$/.exec(line)?.[1] ?? []),
  )
  const family = (line: string): string =>
    line.replace(/^(# (?:HELP|TYPE) )(\S+)_total /, (whole, start: string, name: string) =>
      counted.has(name) ? `${start}${name} ` : whole,
    )
  return `${lines.map((line) => (line.startsWith('#') ? family(line) : line)).join('\n')}\n# EOF\n`
}
