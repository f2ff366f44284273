import {
  defaultFieldResolver,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isObjectType,
  isRequiredArgument,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
} from 'graphql'

/** What a resolver does instead of its work when it is asked for the so manieth time; undefined: its work. */
export type Fault = (times: number) => Promise<unknown> | undefined

/** A field of an object, for all types that a place in a document may have. */
export interface Resolver {
  readonly types: readonly string[]
  readonly field: string
  /** What asks for it. */
  readonly selection: string
}

export const nameOf = ({ types, field }: Resolver): string => `${types[0]}.${field}`

/** Resolvers that fail, by the name of the operation for which they do. */
const faults = new Map<string, { resolver: Resolver; fault: Fault; times: number }>()

/** Lets a resolver fail in one operation. Answers how often it was asked for there. */
export function injectFault(operation: string, resolver: Resolver, fault: Fault): () => number {
  const injected = { resolver, fault, times: 0 }
  faults.set(operation, injected)
  return () => injected.times
}

/** Makes every resolver of a schema one that can fail. */
export function makeFallible(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) {
      const { resolve = defaultFieldResolver } = field
      field.resolve = (source, args, ctx, info) => {
        const injected = faults.get(info.operation.name?.value ?? '')
        if (injected === undefined) return resolve(source, args, ctx, info)
        const { resolver } = injected
        if (resolver.field !== field.name || !resolver.types.includes(type.name))
          return resolve(source, args, ctx, info)
        injected.times += 1
        return injected.fault(injected.times) ?? resolve(source, args, ctx, info)
      }
    }
  }
}

/** Every resolver that can be asked for without arguments, so deep, with the selection that asks for it. */
export function resolversOf(
  schema: GraphQLSchema,
  type: GraphQLCompositeType,
  depth: number,
): Resolver[] {
  const types = isAbstractType(type)
    ? schema.getPossibleTypes(type).map(({ name }) => name)
    : [type.name]
  return fieldsOf(type).flatMap((field) => {
    const of = getNamedType(field.type)
    const name = field.name
    if (field.args.some(isRequiredArgument)) return []
    if (!isCompositeType(of)) return [{ types, field: name, selection: name }]
    const inner = depth === 0 ? [] : resolversOf(schema, of, depth - 1)
    return [
      { types, field: name, selection: `${name} { __typename }` },
      ...inner.map((one) => ({ ...one, selection: `${name} { ${one.selection} }` })),
    ]
  })
}

const fieldsOf = (type: GraphQLCompositeType): GraphQLField<unknown, unknown>[] =>
  'getFields' in type ? Object.values(type.getFields()) : []
