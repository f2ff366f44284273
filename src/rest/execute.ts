import type { ExecutionResult } from 'graphql'
import type { Context } from '../context.ts'
import type { TypedDocumentString } from '../generated/operations/graphql.ts'
import { problemIn } from './problem.ts'

/** The document of an operation, with what it takes and answers. */
export type FrontOperation<Data = unknown, Variables = never> = TypedDocumentString<Data, Variables>

/** Executes an operation of a front with the caller's own rights. Throws a Problem when it has errors. */
export type Execute = <Data, Variables>(
  document: FrontOperation<Data, Variables>,
  variables: Variables,
  ctx: Context,
) => Promise<Data>

/** An operation that was parsed, found valid and compiled. */
export type Prepared = (variables: object, ctx: Context) => Promise<ExecutionResult>

/** Executes what was prepared; fronts have no other operations. */
export const executing =
  (prepared: ReadonlyMap<FrontOperation, Prepared>): Execute =>
  async (document, variables, ctx) => {
    const run = prepared.get(document)
    if (run === undefined) throw new Error(`No route names the operation ${String(document)}`)
    const { data, errors } = await run(variables as object, ctx) // variables of GraphQL are always an object
    const [error] = errors ?? []
    if (error !== undefined) throw problemIn(error.toJSON())
    return data as never // codegen made the type from the same text
  }
