import { getNamedType, isNonNullType, isUnionType, type GraphQLNamedType } from 'graphql'
import { schema } from '../../../src/schema.ts'
import type { Client } from '../../../testkit/client.ts'
import { selectionOf } from '../../../testkit/selection.ts'
import { argumentsAt, type Own, type Position } from './positions.ts'
import { send } from './send.ts'

const selections = new Map<string, string>()

/** The same type is asked for again and again. */
function everythingOf(type: GraphQLNamedType): string {
  const known = selections.get(type.name)
  if (known !== undefined) return known
  const selection = selectionOf(type, { objects: 1, connections: 0 })
  selections.set(type.name, selection)
  return selection
}

/** An operation that calls the field of a position once with each of the values. */
export function operationAt(
  position: Position,
  values: readonly string[],
  own: Own,
  more: object = {},
) {
  const { field } = position
  const type = getNamedType(field.type)
  const selection = everythingOf(type)
  const declared: string[] = []
  const variables: Record<string, unknown> = {}
  const calls = values.map((value, n) => {
    const given: Record<string, unknown> = { ...argumentsAt(position, value, own), ...more }
    const args = field.args
      .filter(({ name }) => name in given)
      .map(({ name, type: of }) => {
        declared.push(`$a${n}_${name}: ${String(of)}`)
        variables[`a${n}_${name}`] = given[name]
        return `${name}: $a${n}_${name}`
      })
    return `a${n}: ${field.name}(${args.join(', ')})${selection === '' ? '' : ' { ...All }'}`
  })
  const all = selection === '' ? '' : `fragment All on ${type.name} ${selection}`
  return {
    query: `${kindOf(position)} (${declared.join(', ')}) { ${calls.join(' ')} } ${all}`,
    variables,
  }
}

function kindOf({ field }: Position): string {
  const roots = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  }
  const [kind] =
    Object.entries(roots).find(([, root]) => root?.getFields()[field.name] === field) ?? []
  if (kind === undefined) throw new Error(`${field.name} is of no root.`)
  return kind
}

/** Fields that one operation asks for, and calls with some variables each, safely below what it may. */
const MAX_FIELDS = 8_000
const MAX_CALLS = 30

/** Of how many one operation can ask for everything. */
function atOnce(type: GraphQLNamedType): number {
  const fields = everythingOf(type).split(': ').length
  return Math.max(1, Math.min(MAX_CALLS, Math.floor(MAX_FIELDS / fields)))
}

/** What each value is answered, as text. */
export async function ask(
  client: Client,
  position: Position,
  values: readonly string[],
  own: Own,
): Promise<string[]> {
  const { type } = position.field
  // an error in a field that cannot be null takes the answers of its neighbours with it
  const isAlone = isNonNullType(type) && (!isUnionType(type.ofType) || client.token === undefined)
  if (isAlone && values.length > 1)
    return Promise.all(
      values.map(async (value) => (await ask(client, position, [value], own))[0] ?? ''),
    )
  const most = atOnce(getNamedType(type))
  if (values.length > most) {
    const [some, rest] = [values.slice(0, most), values.slice(most)]
    return [
      ...(await ask(client, position, some, own)),
      ...(await ask(client, position, rest, own)),
    ]
  }
  const { query, variables } = operationAt(position, values, own)
  const { data, errors = [] } = await send(client, query, variables)
  if (data == null && !isAlone) throw new Error(`${JSON.stringify(errors)}\n${query}`)
  return values.map((_value, n) =>
    JSON.stringify({
      data: data?.[`a${n}`],
      errors: errors
        .filter(({ path }) => !Array.isArray(path) || path[0] === `a${n}`)
        .map(({ message, extensions }) => ({ message, code: extensions?.['code'] })),
    }),
  )
}
