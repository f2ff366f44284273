import SchemaBuilder, {
  BasePlugin,
  type PothosOutputFieldConfig,
  type SchemaTypes,
} from '@pothos/core'
import {
  getNullableType,
  isInputObjectType,
  isListType,
  type GraphQLFieldResolver,
  type GraphQLInputType,
  type GraphQLResolveInfo,
} from 'graphql'
import { BadRequest } from './errors.ts'
import { isStorable } from './names.ts'

/*
 * PostgreSQL refuses NUL and half surrogate pairs, so no text with them may come near a statement. Here every text
 * in the arguments of every query and subscription is looked at before its resolver runs, and BadRequest thrown;
 * inputs of mutations have rules of their own, whose violations are answered together. Ids are left alone, because
 * nothing stored has such a name and they answer as what is absent does; and users' JSON, which is kept as text
 * that writes such characters as escapes.
 *
 * On the same way the lists of a filter are counted: each entry is looked up, or a condition of the statement.
 */
declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      storable: StorablePlugin<Types>
    }
  }
}

const NAME = 'storable'
export const storable = NAME

type Resolver<Types extends SchemaTypes> = GraphQLFieldResolver<unknown, Types['Context'], object>

class StorablePlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(resolve: Resolver<Types>, field: PothosOutputFieldConfig<Types>) {
    return field.kind === 'Subscription' ? resolve : checked(resolve, field)
  }

  override wrapSubscribe(
    subscribe: Resolver<Types> | undefined,
    field: PothosOutputFieldConfig<Types>,
  ) {
    return subscribe && checked(subscribe, field)
  }
}

function checked<Types extends SchemaTypes>(
  resolve: Resolver<Types>,
  field: PothosOutputFieldConfig<Types>,
): Resolver<Types> {
  if (field.kind === 'Mutation' || Object.keys(field.args).length === 0) return resolve
  return (parent, args, ctx, info) => {
    const wrong = wrongIn(args, info)
    if (wrong !== undefined) throw new BadRequest(wrong)
    return resolve(parent, args, ctx, info)
  }
}

type Place = readonly string[]

/** Entries of one list of a filter. */
const MAX_ENTRIES = 100

/** What is wrong with the first argument that may not go on. */
function wrongIn(args: object, { parentType, fieldName }: GraphQLResolveInfo): string | undefined {
  for (const { name, type } of parentType.getFields()[fieldName]?.args ?? []) {
    const wrong = look(type, (args as Record<string, unknown>)[name], [name])
    if (wrong !== undefined) return wrong
  }
  return undefined
}

/**
 * What is wrong with the first list that is too long, or text that cannot be stored; the types say what is text, the
 * value only how far to go.
 */
function look(type: GraphQLInputType, value: unknown, path: Place): string | undefined {
  if (value === null || value === undefined) return undefined
  const bare = getNullableType(type)
  if (isListType(bare)) {
    if (path[0] === 'filter' && (value as unknown[]).length > MAX_ENTRIES)
      return `\`${path.join('.')}\`: At most ${MAX_ENTRIES} entries.`
    for (const [place, item] of (value as unknown[]).entries()) {
      const found = look(bare.ofType, item, [...path, String(place)])
      if (found !== undefined) return found
    }
    return undefined
  }
  if (isInputObjectType(bare)) {
    for (const { name, type: of } of Object.values(bare.getFields())) {
      const found = look(of, (value as Record<string, unknown>)[name], [...path, name])
      if (found !== undefined) return found
    }
    return undefined
  }
  return bare.name === 'String' && typeof value === 'string' && !isStorable(value)
    ? `\`${path.join('.')}\` must not contain NUL or half a surrogate pair.`
    : undefined
}

SchemaBuilder.registerPlugin(NAME, StorablePlugin)
