import { getOperationAST, parse, validate } from 'graphql'
import type { Front } from '../generated/prisma/enums.ts'
import type { Prepared } from '../rest/index.ts'
import { schema } from '../schema.ts'
import { compile } from '../execution/compiled.ts'
import { executeAt, type Door } from '../execution/operations.ts'

/**
 * An operation of a front, ready to be executed: parsed, found valid and compiled. Throws when it is none, which is a
 * mistake in this program and ends its start.
 */
export function prepare(front: Front, text: string): Prepared {
  const document = parse(text)
  const operation = getOperationAST(document)
  const [error] = validate(schema, document)
  if (error !== undefined || operation == null)
    throw new Error(`A front has an operation that is wrong: ${error?.message}\n${text}`)
  compile(schema, document, operation)
  const execute = executeAt(doors[front])
  return (variableValues, contextValue) =>
    // variables of a front's own are an object
    execute({
      schema,
      document,
      contextValue,
      variableValues: variableValues as Record<string, unknown>,
    })
}

const doors: Readonly<Record<Front, Exclude<Door, 'sse'>>> = {
  ABEJA: 'abeja',
  OMEGAML: 'omegaml',
  TOPCHEF: 'topchef',
  AUGER: 'auger',
  ONECONTAINER: 'onecontainer',
}
