import type { catalogue, Definition } from './catalogue.ts'

type Catalogue = typeof catalogue
type NamesOf<Type extends Definition['type']> = {
  [Name in keyof Catalogue]: Catalogue[Name]['type'] extends Type ? Name : never
}[keyof Catalogue]

type CounterName = NamesOf<'counter'>
type HistogramName = NamesOf<'histogram'>
type GaugeName = NamesOf<'gauge'>

/** One value for each label of a metric. */
type Labels<Name extends keyof Catalogue> = {
  readonly [
    Label in keyof Catalogue[Name]['labels']
  ]: Catalogue[Name]['labels'][Label] extends readonly (infer Value)[] ? Value : string
}

type Args<Name extends keyof Catalogue> = keyof Catalogue[Name]['labels'] extends never
  ? []
  : [labels: Labels<Name>]

/** Of a gauge: one number, or one for each value of its only label; a value left out is 0. */
type Reading<Name extends GaugeName> = keyof Catalogue[Name]['labels'] extends never
  ? number
  : Readonly<Partial<Record<Labels<Name>[keyof Labels<Name>] & string, number>>>

/**
 * The numbers a server tells of itself. Counting is cheap and never throws, so it may stand on the hottest path; a
 * gauge is read when somebody asks. Everything is of this server alone.
 */
export interface Metrics {
  count<Name extends CounterName>(name: Name, by: number, ...labels: Args<Name>): void
  /** Adds one measurement, in the unit of the metric's name. */
  observe<Name extends HistogramName>(name: Name, value: number, ...labels: Args<Name>): void
  /** Says how a gauge is read when somebody asks. */
  gauge<Name extends GaugeName>(name: Name, read: () => Reading<Name>): void
  /** All of it in Prometheus' text format, or in OpenMetrics'. */
  read(format: 'prometheus' | 'openmetrics'): Promise<{ contentType: string; text: string }>
}

/** Counts nothing: for whoever opens a part of a server alone. */
export const unmeasured: Metrics = {
  count() {},
  observe() {},
  gauge() {},
  read: () => Promise.resolve({ contentType: 'text/plain', text: '' }),
}
