import { GraphQLError, type ExecutionArgs, type ExecutionResult } from 'graphql'
import { callerKey, type Context } from '../context.ts'
import { QuotaReached } from '../kit/errors.ts'
import { eventsOf, executeOnce } from './compiled.ts'
import { admit, forViewer, LATE, within, type Cost } from './limits/index.ts'
import { maskError } from './mask.ts'

/** Marks, out of sight of every serializer, the result after which a stream is complete. */
export const END = Symbol('end')

export type DeliveryResult = ExecutionResult<Record<string, unknown>, { cursor?: string }> & {
  [END]?: true
}

const isIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value

/** GraphQL's execute within the limits, with faults masked and the cost of the operation in `extensions.cost`. */
export async function execute(args: ExecutionArgs): Promise<ExecutionResult> {
  const { refusal, cost } = admit(args)
  if (refusal !== undefined) return costing({ errors: [refusal] }, cost)
  return costing(await perform(args), cost)
}

const costing = (result: ExecutionResult, cost: Cost | undefined): ExecutionResult =>
  cost === undefined ? result : { ...result, extensions: { ...result.extensions, cost } }

/** Executes what was admitted. */
async function perform(args: ExecutionArgs): Promise<ExecutionResult> {
  const result = await inTime(args, executeOnce(args), (late) => void masked(args, late))
  return result === LATE ? { data: null, errors: [tooLate(args)] } : masked(args, result)
}

/** `late` is given what comes when nobody waits for it any more. */
const inTime = <T>(args: ExecutionArgs, work: Promise<T> | T, late: (value: T) => void) =>
  within((args.contextValue as Context).config.operationTimeoutMs, work, late) // every door makes one

function tooLate({ contextValue, operationName }: ExecutionArgs): GraphQLError {
  const { config, log } = contextValue as Context // as above
  log.warn({ operationName }, 'an operation took longer than it may')
  const seconds = config.operationTimeoutMs / 1000
  return new GraphQLError(`The operation took longer than ${seconds} s.`, {
    extensions: { code: 'TIMEOUT' },
  })
}

/** Masks faults, which logs them. */
function masked(args: ExecutionArgs, result: ExecutionResult): ExecutionResult {
  if (result.errors === undefined) return result
  const { requestId, log, viewer } = args.contextValue as Context // as above
  const errors = result.errors.map((error) => forViewer(viewer, maskError(error, requestId, log)))
  return { ...result, errors }
}

/**
 * GraphQL's subscribe (specification, 6.2.3) within the limits, with the cursor of every delivery in
 * `extensions.cursor`, so that a client can resume whatever fields it selected. Deliveries are the same whether
 * resumed or not, so none carries the cost. The iterator it answers lets go at once when it is returned.
 */
export async function subscribe(
  args: ExecutionArgs,
): Promise<ExecutionResult | AsyncIterableIterator<DeliveryResult>> {
  const { refusal, cost } = admit(args)
  if (refusal !== undefined) return costing({ errors: [refusal] }, cost)
  const place = placeFor(args.contextValue as Context) // as above
  if (place instanceof GraphQLError) return { errors: [place] }
  try {
    const source = await inTime(args, eventsOf(args), leave)
    if (isIterable(source)) return deliveriesOf(args, source[Symbol.asyncIterator](), place)
    place()
    return source === LATE ? { errors: [tooLate(args)] } : masked(args, source)
  } catch (cause) {
    place()
    throw cause
  }
}

/** Ends a source that nobody waits for any more. */
function leave(source: unknown): void {
  if (isIterable(source)) void source[Symbol.asyncIterator]().return?.()
}

/** The caller's place among its subscriptions, or why there is none, with what an answer over HTTP says of it. */
function placeFor(ctx: Context): (() => void) | GraphQLError {
  if (ctx.trusted) return () => {}
  try {
    return ctx.quotas.takeSubscription(callerKey(ctx))
  } catch (cause) {
    if (!(cause instanceof QuotaReached)) throw cause
    const headers = { 'retry-after': String(cause.retryAfterSeconds ?? 1) }
    return new GraphQLError(cause.message, {
      extensions: { code: cause.code, http: { status: 429, headers } },
    })
  }
}

function deliveriesOf(
  args: ExecutionArgs,
  events: AsyncIterator<unknown>,
  leavePlace: () => void,
): AsyncIterableIterator<DeliveryResult> {
  const deliver = async (event: unknown): Promise<DeliveryResult> => {
    const result = await perform({ ...args, rootValue: event })
    const { cursor, end } = event as { cursor?: string; end?: object } // a Delivery, or an event without a cursor
    if (cursor === undefined) return result
    const extensions = { ...result.extensions, cursor }
    return { ...result, extensions, ...(end ? { [END]: true } : {}) }
  }
  const deliveries: AsyncIterableIterator<DeliveryResult> = {
    async next() {
      try {
        const { done, value } = await events.next()
        if (!done) return { done: false, value: await deliver(value) }
      } catch (cause) {
        leavePlace()
        const { requestId, log } = args.contextValue as Context // as above
        throw maskError(cause, requestId, log) // the WebSocket tells the message of whatever is thrown
      }
      leavePlace()
      return { done: true, value: undefined }
    },
    async return() {
      leavePlace()
      await events.return?.()
      return { done: true, value: undefined }
    },
    async throw(cause) {
      leavePlace()
      await events.return?.()
      throw cause
    },
    [Symbol.asyncIterator]: () => deliveries,
  }
  return deliveries
}
