import { createSourceEventStream, type ExecutionArgs, type ExecutionResult } from 'graphql'
import type { Context } from '../context.ts'
import { executeOnce } from './compiled.ts'
import { maskError } from './mask.ts'

/** Marks, out of sight of every serializer, the result after which a stream is complete. */
export const END = Symbol('end')

export type DeliveryResult = ExecutionResult<Record<string, unknown>, { cursor?: string }> & {
  [END]?: true
}

const isIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value

/** GraphQL's execute, with faults masked. */
export async function execute(args: ExecutionArgs): Promise<ExecutionResult> {
  return masked(args, await executeOnce(args))
}

function masked(args: ExecutionArgs, result: ExecutionResult): ExecutionResult {
  if (result.errors === undefined) return result
  const { requestId, log } = args.contextValue as Context // every door makes one
  const errors = result.errors.map((error) => maskError(error, requestId, log))
  return { ...result, errors }
}

/**
 * GraphQL's subscribe (specification, 6.2.3), with the cursor of every delivery in `extensions.cursor`, so that a
 * client can resume whatever fields it selected. The iterator it answers lets go at once when it is returned.
 */
export async function subscribe(
  args: ExecutionArgs,
): Promise<ExecutionResult | AsyncIterableIterator<DeliveryResult>> {
  const source = await createSourceEventStream(args)
  if (!isIterable(source)) return masked(args, source)
  const events = source[Symbol.asyncIterator]()
  const deliver = async (event: unknown): Promise<DeliveryResult> => {
    const result = await execute({ ...args, rootValue: event })
    const { cursor, end } = event as { cursor?: string; end?: object } // a Delivery, or an event without a cursor
    if (cursor === undefined) return result
    const extensions = { ...result.extensions, cursor }
    return { ...result, extensions, ...(end ? { [END]: true } : {}) }
  }
  const deliveries: AsyncIterableIterator<DeliveryResult> = {
    async next() {
      const { done, value } = await events.next()
      return done ? { done, value: undefined } : { done: false, value: await deliver(value) }
    },
    async return() {
      await events.return?.()
      return { done: true, value: undefined }
    },
    async throw(cause) {
      await events.return?.()
      throw cause
    },
    [Symbol.asyncIterator]: () => deliveries,
  }
  return deliveries
}
