import {
  GraphQLError,
  Kind,
  type DocumentNode,
  type ExecutionArgs,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql'
import type { Context } from '../../context.ts'
import { isNestedTooDeep, MAX_NESTING } from '../../kit/json/nesting.ts'
import { costOf, prepare, type PreparedCost } from './plan.ts'
import { tooComplex } from './refusal.ts'

/** What an operation costs, as `extensions.cost` shows it. */
export interface Cost {
  readonly requested: number
  readonly limit: number
}

/** Why an operation does not run, if it does not; and what it costs, where that could be said. */
export interface Admission {
  readonly refusal?: GraphQLError
  readonly cost?: Cost
}

/** Operations by their name ('' for the one without); of documents that are gone nothing is kept. */
const prepared = new WeakMap<DocumentNode, Map<string, PreparedCost>>()

/**
 * Whether an operation may run: every door asks before it executes or subscribes. An operation of ours (`trusted`)
 * always may. What depends on the document alone is worked out once.
 */
export function admit({
  schema,
  document,
  operationName,
  variableValues,
  contextValue,
}: ExecutionArgs): Admission {
  const { config, viewer, trusted } = contextValue as Context // every door makes one
  if (trusted) return {}
  if (Object.values(variableValues ?? {}).some(isNestedTooDeep))
    return { refusal: tooComplex(`A variable is nested at most ${MAX_NESTING} deep.`) }
  const found = preparedOf(schema, document, operationName ?? '')
  if (found === undefined) return {} // execution says which operation is missing
  if (found.introspects && viewer.kind === 'anonymous')
    return {
      refusal: new GraphQLError(
        'The schema is told only to those who bring a credential: send "Authorization: Bearer <token>".',
        { extensions: { code: 'UNAUTHENTICATED' } },
      ),
    }
  const cost = { requested: costOf(found.plan, variableValues ?? {}), limit: config.maxCost }
  if (cost.requested <= cost.limit) return { cost }
  const message = `The operation costs ${cost.requested}; one operation may cost ${cost.limit} (MAX_COST). Ask for smaller pages.`
  return { cost, refusal: tooComplex(message, { cost }) }
}

function preparedOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  name: string,
): PreparedCost | undefined {
  const known = prepared.get(document) ?? new Map<string, PreparedCost>()
  prepared.set(document, known)
  const kept = known.get(name)
  if (kept !== undefined) return kept
  const operation = operationNamed(document, name)
  if (operation === undefined) return undefined
  const made = prepare(schema, document, operation)
  known.set(name, made)
  return made
}

/** The operation of that name, or the only one. */
function operationNamed(document: DocumentNode, name: string): OperationDefinitionNode | undefined {
  const operations = document.definitions.filter((one) => one.kind === Kind.OPERATION_DEFINITION)
  if (name !== '') return operations.find((one) => one.name?.value === name)
  return operations.length === 1 ? operations[0] : undefined
}
