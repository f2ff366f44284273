import type { ExecutionResult } from 'graphql'
import type { Context } from '../context.ts'
import type { TypedDocumentString } from '../generated/operations/graphql.ts'
import { problemIn } from './problem.ts'

/** Executes an operation of a front with the caller's own rights. Throws a Problem when it has errors. */
export type Execute = <Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
  ctx: Context,
) => Promise<Data>

/** An operation that was parsed, found valid and compiled. */
export type Prepared = (variables: object, ctx: Context) => Promise<ExecutionResult>

/** Executes what was prepared, by the text of its document; fronts have no other operations. */
export const executing =
  (prepared: ReadonlyMap<string, Prepared>): Execute =>
  async (document, variables, ctx) => {
    const run = prepared.get(String(document))
    if (run === undefined) throw new Error(`No route names the operation ${String(document)}`)
    const { data, errors } = await run(variables as object, ctx) // variables of GraphQL are always an object
    const [error] = errors ?? []
    if (error !== undefined) throw problemIn(error.toJSON())
    return data as never // codegen made the type from the same text
  }
