import { isInputObjectType, isRequiredInputField, type GraphQLInputField } from 'graphql'
import { schema } from '../src/schema.ts'
import { nodeTypes } from './selection.ts'

function inputOf(mutation: string): readonly GraphQLInputField[] {
  const type = schema.getType(`${mutation}Input`)
  return isInputObjectType(type) ? Object.values(type.getFields()) : []
}

/**
 * The types of Node of which one is made by `create<Type>` with a name alone, as most are: tests that go through the
 * whole schema make objects of these by themselves, so that a new one need not be written down in each of them.
 */
export const plainTypes: readonly string[] = nodeTypes
  .map(({ name }) => name)
  .filter((name) => {
    const required = inputOf(`Create${name}`).filter(isRequiredInputField)
    return required.length === 1 && required[0]?.name === 'name'
  })

/** The field in which the success of its mutations has an object of a type. */
export const fieldOf = (type: string): string => type.charAt(0).toLowerCase() + type.slice(1)

/** Of what is given, that which making an object of a type takes. */
export const takenBy = (type: string, given: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    inputOf(`Create${type}`).flatMap(({ name }) => (name in given ? [[name, given[name]]] : [])),
  )
