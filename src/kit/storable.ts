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
    const place = unstorableIn(args, info)
    if (place !== undefined)
      throw new BadRequest(`\`${place.join('.')}\` must not contain NUL or half a surrogate pair.`)
    return resolve(parent, args, ctx, info)
  }
}

type Place = readonly string[]

function unstorableIn(
  args: object,
  { parentType, fieldName }: GraphQLResolveInfo,
): Place | undefined {
  for (const { name, type } of parentType.getFields()[fieldName]?.args ?? []) {
    const place = look(type, (args as Record<string, unknown>)[name], [name])
    if (place !== undefined) return place
  }
  return undefined
}

/** The first text that cannot be stored; the types say what is text, the value only how far to go. */
function look(type: GraphQLInputType, value: unknown, path: Place): Place | undefined {
  if (value === null || value === undefined) return undefined
  const bare = getNullableType(type)
  if (isListType(bare)) {
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
    ? path
    : undefined
}

SchemaBuilder.registerPlugin(NAME, StorablePlugin)
