import { getOperationAST, parse, validate } from 'graphql'
import { compile } from '../execution/compiled.ts'
import { executeAt } from '../execution/operations.ts'
import type { FrontOperation, Prepared } from '../rest/index.ts'
import { wordOf, type FrontName } from '../rest/fronts.ts'
import { schema } from '../schema.ts'

/**
 * An operation of a front, ready to be executed: parsed, found valid and compiled. Throws when it is none, which is a
 * mistake in this program and ends its start.
 */
export function prepare(front: FrontName, text: FrontOperation): Prepared {
  const document = parse(String(text))
  const operation = getOperationAST(document)
  const [error] = validate(schema, document)
  if (error !== undefined || operation == null)
    throw new Error(`A front has an operation that is wrong: ${error?.message}\n${String(text)}`)
  compile(schema, document, operation)
  const execute = executeAt(wordOf(front))
  return (variableValues, contextValue) =>
    // variables of a front's own are an object
    execute({
      schema,
      document,
      contextValue,
      variableValues: variableValues as Record<string, unknown>,
    })
}
