import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingHttpHeaders } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import {
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span as OpenTelemetrySpan,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  type ReadableSpan,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-node'
import type { Logger } from '../../kit/logger.ts'
import { noSpan, type Span, type Tracing } from './tracing.ts'

export interface OtlpOptions {
  /** Where traces are sent, path and all. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly serviceName: string
  /** This server's, which stays with its data folder. */
  readonly instanceId: string
  readonly log: Pick<Logger, 'warn' | 'info'>
}

/** Spans that wait to be sent; what comes beyond is dropped. */
const QUEUE = 2_048
const SEND_EVERY_MS = 2_000

/**
 * Traces sent by OTLP over HTTP, as JSON, in the background and from a bounded queue: a receiver that is away costs
 * spans and nothing else. Nothing of it is global, so several servers of one process do not meet. Sampling follows
 * the caller's decision, then OTEL_TRACES_SAMPLER.
 */
export function otlpTracing({ url, headers, serviceName, instanceId, log }: OtlpOptions): Tracing {
  const exporter = told(new OTLPTraceExporter({ url, headers: { ...headers } }), log)
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': serviceName,
      'service.instance.id': instanceId,
    }),
    spanProcessors: [
      new BatchSpanProcessor(exporter, {
        maxQueueSize: QUEUE,
        scheduledDelayMillis: SEND_EVERY_MS,
      }),
    ],
  })
  const tracer = provider.getTracer('millrace')
  const current = new AsyncLocalStorage<Context>()

  const spanOf = (span: OpenTelemetrySpan, parent: Context): Span => {
    const here = trace.setSpan(parent, span)
    return {
      traceId: span.spanContext().traceId,
      set: (attributes) => void span.setAttributes(attributes),
      rename: (name) => void span.updateName(name),
      fail(how) {
        span.setAttribute('error.type', how)
        span.setStatus({ code: SpanStatusCode.ERROR })
      },
      end: () => span.end(),
      run: (work) => current.run(here, work),
      headers: () => written(span),
    }
  }
  return {
    isOn: true,
    receive(name, attributes, from) {
      const parent = callerIn(from)
      return spanOf(tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent), parent)
    },
    child(name, kind, attributes) {
      const parent = current.getStore()
      if (parent === undefined) return noSpan
      const options = {
        kind: kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL,
        attributes,
      }
      return spanOf(tracer.startSpan(name, options, parent), parent)
    },
    outside: (work) => current.exit(work),
    async close(graceMs) {
      const sent = provider.shutdown().catch((cause: unknown) => {
        log.warn({ err: cause }, 'the last traces could not be sent')
      })
      await Promise.race([sent, pause(graceMs, undefined, { ref: false })])
    },
  }
}

/** The exporter, with one line in the log when it begins to fail and one when it works again. */
function told(exporter: SpanExporter, log: OtlpOptions['log']): SpanExporter {
  let isFailing = false
  return {
    export(spans: ReadableSpan[], done) {
      exporter.export(spans, (result) => {
        const { code }: { code: number } = result // its enum is not exported here
        const hasFailed = code !== 0
        if (hasFailed && !isFailing)
          log.warn({ err: result.error }, 'traces cannot be sent; they are dropped until they can')
        if (!hasFailed && isFailing) log.info('traces are sent again')
        isFailing = hasFailed
        done(result)
      })
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  }
}

const TRACEPARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-.*)?$/

/** The caller's span by its `traceparent` and `tracestate` (W3C Trace Context); one that is malformed is none. */
function callerIn(headers: IncomingHttpHeaders): Context {
  const [, version, traceId = '', spanId = '', flags = ''] =
    TRACEPARENT.exec(String(headers['traceparent'] ?? '')) ?? []
  if (version === undefined || version === 'ff' || /^0*$/.test(traceId) || /^0*$/.test(spanId))
    return ROOT_CONTEXT
  const state = String(headers['tracestate'] ?? '')
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
    ...(state === '' ? {} : { traceState: createTraceState(state) }),
  })
}

function written(span: OpenTelemetrySpan): Record<string, string> {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext()
  const state = traceState?.serialize() ?? ''
  return {
    traceparent: `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`,
    ...(state === '' ? {} : { tracestate: state }),
  }
}
