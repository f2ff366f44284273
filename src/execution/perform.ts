import {
  getOperationAST,
  type GraphQLError,
  OperationTypeNode,
  type ExecutionArgs,
  type ExecutionResult,
} from 'graphql'
import type { Context } from '../context.ts'
import { outageIn, TimedOut } from '../kit/errors.ts'
import { faultsOnly } from '../kit/logger.ts'
import { tooLarge, type Operation } from '../kit/operation.ts'
import { sizeOf } from '../kit/json/size-of.ts'
import { executeOnce } from './compiled.ts'
import { forViewer, LATE, within } from './limits/index.ts'
import { maskError, tellOutage } from './mask.ts'

/**
 * Executes what was admitted. Of an operation that is over nothing is answered but why, and what it had read is let go;
 * a mutation is answered as far as it came.
 */
export async function perform(args: ExecutionArgs, isDelivery = false): Promise<ExecutionResult> {
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
export const inTime = <T>(args: ExecutionArgs, work: Promise<T> | T, late: (value: T) => void) =>
  within((args.contextValue as Context).config.operationTimeoutMs, work, late, () => tooLate(args)) // every door makes one

/** Ends an operation that takes too long. */
function tooLate({ contextValue, operationName }: ExecutionArgs): void {
  const { config, log, operation } = contextValue as Context // as above
  log.warn({ operationName }, 'an operation took longer than it may')
  operation.end(
    new TimedOut(`The operation took longer than ${config.operationTimeoutMs / 1000} s.`),
  )
}

/** Masks faults, which logs them; an outage once. */
export function masked(args: ExecutionArgs, result: ExecutionResult): ExecutionResult {
  if (result.errors === undefined) return result
  const { requestId, viewer, isChallenged, log: begun } = args.contextValue as Context // as above
  let log = begun
  const errors = result.errors.map((error) => {
    const shown = forViewer(viewer, maskError(error, requestId, log))
    // an outage is met by all fields alike
    if (outageIn(error.originalError) !== undefined) log = faultsOnly(log)
    return shown
  })
  if (isChallenged)
    for (const { extensions } of errors)
      if (extensions['code'] === 'UNAUTHENTICATED') extensions['http'] = { status: 401 }
  if (isEmpty(result.data)) for (const error of errors) tellOutage(error)
  return { ...result, errors }
}

/** Whether nothing is there that was asked for. */
const isEmpty = (data: ExecutionResult['data']): boolean =>
  data == null || Object.values(data).every((value) => value === null)

/** The answer of an operation that is over. */
export function over({ contextValue }: ExecutionArgs): { errors: GraphQLError[] } {
  const { operation, requestId, log } = contextValue as Context // as above
  return { errors: [maskError(operation.why, requestId, log)] }
}
