import type { IncomingHttpHeaders } from 'node:http'

/** What a span says of itself; never a value of a tenant's data, never a secret. */
type Attributes = Readonly<Record<string, string | number | boolean>>

/** A piece of work with its beginning and its end, one of the nodes of a trace. */
export interface Span {
  /** Of the trace, 32 hexadecimal digits; undefined where nothing is traced. */
  readonly traceId: string | undefined
  set(attributes: Attributes): void
  rename(name: string): void
  /** The work has failed, in this way (a code, not a message). */
  fail(how: string): void
  end(): void
  /** Runs `work` with this span as the current one: spans begun in it, and in what it awaits, are its children. */
  run<T>(work: () => T): T
  /** Headers that hand the trace on to whoever is called within this span. */
  headers(): Record<string, string>
}

/** Traces (OpenTelemetry): which work belongs to which request, over servers and services. */
export interface Tracing {
  /** False when nothing is traced, so that hot paths need not describe their work. */
  readonly isOn: boolean
  /** A span under the caller's, which its headers name, or the first of a new trace. */
  receive(name: string, attributes: Attributes, headers: IncomingHttpHeaders): Span
  /** A span under the current one; without a current one nothing, so that background work makes no traces. */
  child(name: string, kind: 'internal' | 'client', attributes: Attributes): Span
  /** Runs `work` outside of every span: what outlives the request that began it. */
  outside<T>(work: () => T): T
  /** Sends what is not sent yet, for so long at most. */
  close(graceMs: number): Promise<void>
}

const nothing: Span = {
  traceId: undefined,
  set() {},
  rename() {},
  fail() {},
  end() {},
  run: (work) => work(),
  headers: () => ({}),
}

/** Traces nothing and costs nothing. */
export const untraced: Tracing = {
  isOn: false,
  receive: () => nothing,
  child: () => nothing,
  outside: (work) => work(),
  close: () => Promise.resolve(),
}

/** The span of what is not traced. */
export const noSpan = nothing
