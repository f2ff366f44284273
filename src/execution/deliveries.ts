import { GraphQLError, type ExecutionArgs, type ExecutionResult } from 'graphql'
import type { Context } from '../context.ts'
import { asDeliverable, Undelivered } from '../events/index.ts'
import { faultsOnly } from '../kit/logger.ts'
import { Gone } from '../kit/operation.ts'
import { outlookOf, type Outlook } from '../kit/outlook.ts'
import { failureIn } from './failure.ts'
import { maskError } from './mask.ts'
import { Measure } from './delivery-size.ts'
import { perform } from './perform.ts'
import type { Events } from './while-allowed.ts'

/** Marks, out of sight of every serializer, the result after which a stream is complete. */
export const END = Symbol('end')

export type DeliveryResult = ExecutionResult<Record<string, unknown>, { cursor?: string }> & {
  [END]?: true
}

/**
 * The results of a subscription. A cursor is only ever sent with what it stands for: an event that cannot be executed
 * is executed again, and when that does not help the subscription ends with an error that says so. What is too large
 * for one message comes in several.
 */
export function deliveriesOf(
  args: ExecutionArgs,
  events: Events,
  leavePlace: () => void,
): AsyncIterableIterator<DeliveryResult> {
  const begun = args.contextValue as Context // every door makes one
  const measure = new Measure()
  /** What is still to be delivered of an event that was too large. */
  const parts: unknown[] = []
  let operation = begun.operation
  let current = args

  /** Executes an event. Whatever still goes on of a try that has failed must not count, read or write for the next. */
  const attempt = async (rootValue: unknown): Promise<ExecutionResult | undefined> => {
    const result = await perform({ ...current, rootValue }, true)
    const failure = failureIn(result)
    if (failure === undefined) return result
    if (operation.why instanceof Gone) {
      await events.return()
      return undefined
    }
    operation.close()
    operation = operation.again()
    const database = begun.database.within(operation)
    // that it waits is noted for all who do (`endurance.ts`)
    const log = { value: faultsOnly(begun.log) }
    const again = Object.create(begun, { log }) as Context
    const contextValue = Object.assign(again, { operation, database })
    current = { ...args, contextValue }
    throw failure
  }

  /** The next result, or undefined when there are only smaller parts of it, or none any more. */
  const deliver = async (event: unknown): Promise<DeliveryResult | undefined> => {
    const portion = asDeliverable(event)
    if (portion === undefined)
      return begun.hub.endurance.outlast(() => attempt(event), events.signal, outlook)
    const fitting = measure.fit(portion)
    if (fitting.length > 1) return void parts.unshift(...fitting)
    const isDivisible = portion.count > 1
    try {
      const result = await begun.hub.endurance.outlast(
        () => attempt(portion),
        events.signal,
        (cause) => (isDivisible && isTooMuch(cause) ? 'stays' : outlook(cause)),
      )
      if (result === undefined) return undefined
      const { cursor, end } = portion.delivery
      const delivered = { ...result, extensions: { ...result.extensions, cursor } }
      const smaller = measure.divide(portion, delivered, operation.heldBytes)
      if (smaller.length > 1) return void parts.unshift(...smaller)
      return end ? { ...delivered, [END]: true } : delivered
    } catch (cause) {
      if (!isDivisible || !isTooMuch(cause)) throw new Undelivered(portion, { cause })
      return void parts.unshift(...portion.split(portion.size / 2))
    }
  }

  const leave = (): void => {
    leavePlace()
    operation.close()
  }
  const deliveries: AsyncIterableIterator<DeliveryResult> = {
    async next() {
      try {
        for (;;) {
          operation.release() // the one before has gone out
          const isRest = parts.length > 0 && !events.signal.aborted
          const { done, value } = isRest ? { value: parts.shift() } : await events.next()
          if (done) break
          const result = await deliver(value)
          if (result !== undefined) return { done: false, value: result }
        }
      } catch (cause) {
        leave()
        throw told(cause, begun) // the WebSocket tells the message of whatever is thrown
      }
      leave()
      return { done: true, value: undefined }
    },
    async return() {
      leave()
      await events.return()
      return { done: true, value: undefined }
    },
    async throw(cause) {
      leave()
      await events.return()
      throw cause
    },
    [Symbol.asyncIterator]: () => deliveries,
  }
  return deliveries
}

const codeOf = (cause: unknown): unknown =>
  cause instanceof GraphQLError ? cause.extensions['code'] : undefined

const outlook = (cause: unknown): Outlook => outlookOf(codeOf(cause))

/** Whether less of it may succeed. */
const isTooMuch = (cause: unknown): boolean =>
  codeOf(cause) === 'TOO_COMPLEX' || codeOf(cause) === 'TIMEOUT'

/** Why a subscription ends; of a stream also where, and how to go on. */
function told(cause: unknown, { requestId, log }: Context): GraphQLError {
  if (!(cause instanceof Undelivered)) return maskError(cause, requestId, log)
  const { message, extensions } = maskError(cause.cause, requestId, log)
  const { what, cursor } = cause
  log.error({ what, cursor, code: extensions['code'] }, 'a subscription has ended with an error')
  return new GraphQLError(`Could not deliver ${what}: ${message}`, {
    extensions: { ...extensions, requestId, cursor },
  })
}
