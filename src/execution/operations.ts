import { createHash } from 'node:crypto'
import {
  getOperationAST,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
} from 'graphql'
import type { Context } from '../context.ts'
import type { FrontWord } from '../rest/fronts.ts'
import { errorCodes, type ErrorCode } from '../kit/errors.ts'
import type { Metrics } from '../ports/metrics/metrics.ts'
import type { Span } from '../ports/tracing/tracing.ts'
import type { DeliveryResult } from './deliveries.ts'
import { execute, subscribe } from './run.ts'

/** Through which door of GraphQL an operation comes: the name of a front, where one executes it. */
export type Door = 'fast' | 'yoga' | 'websocket' | 'sse' | FrontWord
type Kind = 'query' | 'mutation' | 'subscription' | 'none'
type Deliveries = AsyncIterableIterator<DeliveryResult>

/** GraphQL's execute for one door: measured, and a span of the request's trace. */
export const executeAt =
  (door: Exclude<Door, 'sse'>) =>
  (args: ExecutionArgs): Promise<ExecutionResult> =>
    observed(door, args, execute)

/** GraphQL's subscribe for one door. The span is of the start alone: a subscription may last for days. */
export const subscribeAt =
  (door: 'websocket' | 'sse') =>
  async (args: ExecutionArgs): Promise<ExecutionResult | Deliveries> => {
    const started = await observed(door, args, subscribe)
    return isStream(started) ? counted(door, args.contextValue as Context, started) : started // every door makes one
  }

const isStream = (value: ExecutionResult | Deliveries): value is Deliveries =>
  Symbol.asyncIterator in value

/** An operation that did not get as far as being run: its document is wrong. */
export const refused = (metrics: Metrics, door: Door): void =>
  metrics.count('millrace_graphql_operations_total', 1, { door, kind: 'none', code: 'BAD_REQUEST' })

async function observed<Result extends ExecutionResult | Deliveries>(
  door: Door,
  args: ExecutionArgs,
  run: (args: ExecutionArgs) => Promise<ExecutionResult | Result>,
): Promise<ExecutionResult | Result> {
  const ctx = args.contextValue as Context // every door makes one
  const { metrics, tracing } = ctx
  const operation = getOperationAST(args.document, args.operationName)
  const kind = operation?.operation ?? 'none'
  const span = tracing.isOn
    ? spanOf(door, ctx, kind, operation?.name?.value, args.document)
    : undefined
  const began = performance.now()
  const ended = (code: ErrorCode | 'OK' | 'OTHER'): void => {
    metrics.count('millrace_graphql_operations_total', 1, { door, kind, code })
    const seconds = (performance.now() - began) / 1000
    metrics.observe('millrace_graphql_operation_duration_seconds', seconds, { door, kind })
    if (code !== 'OK') span?.fail(code)
    span?.end()
  }
  try {
    const result = await (span === undefined ? run(args) : span.run(() => run(args)))
    ended(codeOf(result))
    return result
  } catch (cause) {
    ended('INTERNAL')
    throw cause
  }
}

function codeOf(result: ExecutionResult | Deliveries): ErrorCode | 'OK' | 'OTHER' {
  const first = 'errors' in result ? result.errors?.[0] : undefined
  if (first === undefined) return 'OK'
  return errorCodes.find((code) => code === first.extensions.code) ?? 'OTHER'
}

const MAX_NAME = 100

/** What OpenTelemetry's conventions want to know of an operation; its variables are the caller's business. */
function spanOf(
  door: Door,
  { tracing, span }: Context,
  kind: Kind,
  name: string | undefined,
  document: DocumentNode,
): Span {
  const title = name === undefined ? kind : `${kind} ${name.slice(0, MAX_NAME)}`
  const attributes = {
    'graphql.operation.type': kind,
    'millrace.door': door,
    'graphql.document.sha256': hashOf(document),
    ...(name === undefined ? {} : { 'graphql.operation.name': name.slice(0, MAX_NAME) }),
  }
  if (door !== 'websocket') return tracing.child(title, 'internal', attributes)
  span.rename(title)
  span.set(attributes)
  return span
}

/** Of each document once: the text of a known one is not hashed again. */
const hashes = new WeakMap<DocumentNode, string>()

function hashOf(document: DocumentNode): string {
  const known = hashes.get(document)
  if (known !== undefined) return known
  const hash = createHash('sha256')
    .update(document.loc?.source.body ?? '')
    .digest('hex')
  hashes.set(document, hash)
  return hash
}

const open = new WeakMap<Metrics, Record<'websocket' | 'sse', number>>()

/** Subscriptions that are open on a server, by their door. */
export function openSubscriptions(metrics: Metrics): Record<'websocket' | 'sse', number> {
  const known = open.get(metrics) ?? { websocket: 0, sse: 0 }
  open.set(metrics, known)
  return known
}

/** Counts a subscription while it is open, and what it delivers, outside of the trace of its start. */
function counted(
  door: 'websocket' | 'sse',
  { metrics, tracing }: Context,
  deliveries: Deliveries,
): Deliveries {
  const running = openSubscriptions(metrics)
  running[door] += 1
  let isOpen = true
  const closed = (): void => {
    if (isOpen) running[door] -= 1
    isOpen = false
  }
  const counting: Deliveries = {
    async next() {
      try {
        const step = await tracing.outside(() => deliveries.next())
        if (step.done) closed()
        else metrics.count('millrace_subscription_deliveries_total', 1, { door })
        return step
      } catch (cause) {
        closed()
        throw cause
      }
    },
    return(value?: unknown) {
      closed()
      return deliveries.return?.(value) ?? Promise.resolve({ done: true, value: undefined })
    },
    throw(cause) {
      closed()
      return deliveries.throw?.(cause) ?? Promise.reject(cause)
    },
    [Symbol.asyncIterator]: () => counting,
  }
  return counting
}
