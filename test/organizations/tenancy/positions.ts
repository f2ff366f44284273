import {
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isRequiredArgument,
  isRequiredInputField,
  type GraphQLInputField,
  type GraphQLInputType,
} from 'graphql'
import type { Field } from '../../../testkit/selection.ts'

/** A place in the arguments of a field where a value of some scalar stands. */
export interface Position {
  readonly field: Field
  readonly path: readonly string[]
}

export const titleOf = ({ field, path }: Position): string => `${field.name}(${path.join('.')})`

/** All places of the arguments of a field, however deep, that take this scalar. */
export const positionsOf = (field: Field, scalar: string): Position[] =>
  field.args.flatMap(({ name, type }) =>
    pathsIn(type, scalar, []).map((path) => ({ field, path: [name, ...path] })),
  )

function pathsIn(type: GraphQLInputType, scalar: string, seen: readonly string[]): string[][] {
  const of = getNamedType(type)
  if (!isInputObjectType(of)) return of.name === scalar ? [[]] : []
  if (seen.includes(of.name)) return []
  return Object.values(of.getFields()).flatMap((field) =>
    pathsIn(field.type, scalar, [...seen, of.name]).map((path) => [field.name, ...path]),
  )
}

/** What stands in the places that a call cannot do without, by the name of the argument or input field. */
export type Own = Readonly<Record<string, string>>

/** The arguments of a mutation that has no more than it needs. */
export const argumentsOfMutation = ({ args }: Field, own: Own) =>
  Object.fromEntries(args.map((arg) => [arg.name, needed(arg, own)]))

/** The arguments of a call that has `value` at the position and else only what it needs. */
export function argumentsAt({ field, path }: Position, value: string, own: Own) {
  const [first, ...rest] = path
  return Object.fromEntries(
    field.args
      .filter((arg) => arg.name === first || isRequiredArgument(arg))
      .map((arg) => [
        arg.name,
        arg.name === first ? placed(arg.type, rest, value, own) : needed(arg, own),
      ]),
  )
}

function placed(type: GraphQLInputType, path: readonly string[], value: string, own: Own): unknown {
  const of = getNullableType(type)
  if (isListType(of)) return [placed(of.ofType, path, value, own)]
  const [first, ...rest] = path
  if (!isInputObjectType(of) || first === undefined) return value
  return Object.fromEntries(
    Object.values(of.getFields())
      .filter((field) => field.name === first || (!of.isOneOf && isRequiredInputField(field)))
      .map((field) => [
        field.name,
        field.name === first ? placed(field.type, rest, value, own) : needed(field, own),
      ]),
  )
}

function needed({ name, type }: Pick<GraphQLInputField, 'name' | 'type'>, own: Own): unknown {
  const of = getNullableType(type)
  const one = own[name.replace(/s$/, '')]
  if (isListType(of)) return getNamedType(of).name === 'ID' && one !== undefined ? [one] : []
  if (isEnumType(of)) return of.getValues()[0]?.name
  if (isInputObjectType(of)) {
    const fields = Object.values(of.getFields())
    const required = fields.filter(isRequiredInputField)
    // an input without a required field says nothing unless it has some
    const some = required.length > 0 ? required : fields.filter((field) => isLeafType(field.type))
    const wanted = of.isOneOf ? fields.slice(0, 1) : some
    return Object.fromEntries(wanted.map((field) => [field.name, needed(field, own)]))
  }
  switch (of.name) {
    case 'Int':
    case 'SafeInt':
      return 1
    case 'Boolean':
      return true
    case 'DateTime':
      return '2026-01-01T00:00:00Z'
    case 'String':
      return own[name] ?? 'seed'
    default: {
      const value = own[name]
      if (value === undefined) throw new Error(`Say what stands in ${name}, of type ${of.name}.`)
      return value
    }
  }
}
