import { GraphQLError, type ExecutionArgs, type ExecutionResult } from 'graphql'
import { noting } from '../auth/noted-rights.ts'
import { callerKey, type Context } from '../context.ts'
import { QuotaReached } from '../kit/errors.ts'
import { eventsOf } from './compiled.ts'
import { deliveriesOf, type DeliveryResult } from './deliveries.ts'
import { admit, LATE, type Cost } from './limits/index.ts'
import { inTime, masked, over, perform } from './perform.ts'
import { whileAllowed } from './while-allowed.ts'

/** Marks, out of sight of every serializer, the result that says why a subscription has not begun. */
export const NOT_BEGUN = Symbol('not begun')

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
  const ctx = args.contextValue as Context // as above
  const place = placeFor(ctx)
  if (place instanceof GraphQLError) return { errors: [place] }
  try {
    const begun = ctx.viewer
    const { viewer, rights } = noting(begun)
    ctx.viewer = viewer
    const source = await inTime(args, eventsOf(args), leave)
    ctx.viewer = begun
    if (isIterable(source)) {
      const events = whileAllowed(ctx, source[Symbol.asyncIterator](), rights)
      return deliveriesOf(args, events, place)
    }
    place()
    const result: ExecutionResult = source === LATE ? over(args) : masked(args, source)
    return Object.assign(result, { [NOT_BEGUN]: true })
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
