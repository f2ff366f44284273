import {
  getOperationAST,
  GraphQLError,
  OperationTypeNode,
  type ExecutionArgs,
  type ExecutionResult,
} from 'graphql'
import { noting, type Right } from '../auth/viewer.ts'
import { callerKey, type Context } from '../context.ts'
import { Forbidden, QuotaReached, TimedOut } from '../kit/errors.ts'
import { tooLarge, type Operation } from '../kit/operation.ts'
import { sizeOf } from '../kit/size-of.ts'
import { eventsOf, executeOnce } from './compiled.ts'
import { admit, forViewer, LATE, within, type Cost } from './limits/index.ts'
import { maskError, tellOutage } from './mask.ts'

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

/**
 * Executes what was admitted. Of an operation that is over nothing is answered but why, and what it had read is let go;
 * a mutation is answered as far as it came.
 */
async function perform(args: ExecutionArgs, isDelivery = false): Promise<ExecutionResult> {
  const result = await inTime(args, executeOnce(args), (late) => void masked(args, late))
  const { operation } = args.contextValue as Context // every door makes one
  const isDone = isMutation(args)
  if (result === LATE || (operation.why && !isDone)) return { data: null, ...over(args) }
  // what is delivered was read for all who follow; what a mutation was given, or an error names, was not read at all
  const mayBeLarge =
    operation.heldBytes > SMALL || isDelivery || isDone || result.errors !== undefined
  if (mayBeLarge && isTooLarge(operation, result)) return { data: null, ...over(args) }
  return masked(args, result)
}

const isMutation = ({ document, operationName }: ExecutionArgs): boolean =>
  getOperationAST(document, operationName)?.operation === OperationTypeNode.MUTATION

/** Bytes that an operation must have read before its answer can be a large one. */
const SMALL = 4_096

/** Whether an answer is too large to be written: one value may stand in it many times. */
function isTooLarge(operation: Operation, { data, errors }: ExecutionResult): boolean {
  const told = errors?.reduce((sum, { message }) => sum + message.length, 0) ?? 0
  const size = told + sizeOf(data, operation.maxBytes)
  const more = size - operation.heldBytes
  if (size > operation.maxBytes) operation.end(tooLarge(operation.maxBytes))
  return size > operation.maxBytes || (more > 0 && operation.grow(more) !== undefined)
}

/** `late` is given what comes when nobody waits for it any more. */
const inTime = <T>(args: ExecutionArgs, work: Promise<T> | T, late: (value: T) => void) =>
  within((args.contextValue as Context).config.operationTimeoutMs, work, late, () => tooLate(args)) // every door makes one

/** Ends an operation that takes too long. */
function tooLate({ contextValue, operationName }: ExecutionArgs): void {
  const { config, log, operation } = contextValue as Context // as above
  log.warn({ operationName }, 'an operation took longer than it may')
  operation.end(
    new TimedOut(`The operation took longer than ${config.operationTimeoutMs / 1000} s.`),
  )
}

/** Masks faults, which logs them. */
function masked(args: ExecutionArgs, result: ExecutionResult): ExecutionResult {
  if (result.errors === undefined) return result
  const { requestId, log, viewer, isChallenged } = args.contextValue as Context // as above
  const errors = result.errors.map((error) => forViewer(viewer, maskError(error, requestId, log)))
  if (isChallenged)
    for (const { extensions } of errors)
      if (extensions['code'] === 'UNAUTHENTICATED') extensions['http'] = { status: 401 }
  if (isEmpty(result.data)) for (const error of errors) tellOutage(error)
  return { ...result, errors }
}

/** Whether nothing is there that was asked for. */
const isEmpty = (data: ExecutionResult['data']): boolean =>
  data == null || Object.values(data).every((value) => value === null)

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
    return source === LATE ? over(args) : masked(args, source)
  } catch (cause) {
    place()
    throw cause
  }
}

/** The answer of an operation that is over. */
function over({ contextValue }: ExecutionArgs): { errors: GraphQLError[] } {
  const { operation, requestId, log } = contextValue as Context // as above
  return { errors: [maskError(operation.why, requestId, log)] }
}

/** The events of a source until its viewer is good for less in what it needs: then they end with Forbidden. */
function whileAllowed(
  ctx: Context,
  source: AsyncIterator<unknown>,
  rights: readonly Right[],
): AsyncIterator<unknown> {
  let isLost = false
  let isOver = false
  const session = ctx.sessions.open(ctx.viewer, {
    needed: rights.length === 0 ? undefined : [...rights],
    changed: (viewer) => (ctx.viewer = viewer),
    close() {
      isLost = true
      ctx.cut?.() // over an event stream an error would be one more event
      void source.return?.() // so that what waits for the next event waits no more
    },
  })
  return {
    async next() {
      if (isOver) return { done: true, value: undefined }
      try {
        const step = await source.next()
        if (isLost) throw new RightsLost()
        if (step.done) session.end()
        return step
      } catch (cause) {
        isOver = true
        session.end()
        throw cause
      }
    },
    async return() {
      isOver = true
      session.end()
      await source.return?.()
      return { done: true, value: undefined }
    },
  }
}

/** The viewer of something that goes on is no longer good for what it needs. */
class RightsLost extends Forbidden {
  constructor() {
    super('WORKER', 'You may no longer follow this: your rights in the organization have changed.')
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
    const result = await perform({ ...args, rootValue: event }, true)
    const { cursor, end } = event as { cursor?: string; end?: object } // a Delivery, or an event without a cursor
    if (cursor === undefined) return result
    const extensions = { ...result.extensions, cursor }
    return { ...result, extensions, ...(end ? { [END]: true } : {}) }
  }
  const { operation } = args.contextValue as Context // as above
  const leave = (): void => {
    leavePlace()
    operation.close()
  }
  const deliveries: AsyncIterableIterator<DeliveryResult> = {
    async next() {
      operation.release() // the one before has gone out
      try {
        const { done, value } = await events.next()
        if (!done) return { done: false, value: await deliver(value) }
      } catch (cause) {
        leave()
        const { requestId, log } = args.contextValue as Context // as above
        throw maskError(cause, requestId, log) // the WebSocket tells the message of whatever is thrown
      }
      leave()
      return { done: true, value: undefined }
    },
    async return() {
      leave()
      await events.return?.()
      return { done: true, value: undefined }
    },
    async throw(cause) {
      leave()
      await events.return?.()
      throw cause
    },
    [Symbol.asyncIterator]: () => deliveries,
  }
  return deliveries
}
