import {
  defaultFieldResolver,
  getNamedType,
  isAbstractType,
  isObjectType,
  Kind,
  type FieldNode,
  type GraphQLFieldResolver,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql'
import { isWorkerAnywhere, isWorkerIn, isWorkerOnly, type Viewer } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { Forbidden } from '../kit/errors.ts'

/*
 * What a WORKER reads. Whatever belongs to an organization is read from VIEWER on: of a type that is found by its id a
 * WORKER there reads the fields that the type opens, and no other, on whatever path it came to the object. What is no
 * such type (a page, a line of a log, a value) has no rule of its own, because only fields that are closed lead to it.
 */

interface Opened {
  readonly fields: readonly string[]
  /** The key of a row under which its organization is. */
  readonly organization: string
}

const EXTENSION = 'openToWorkers'

/** The `extensions` of a type whose rows belong to an organization: which fields a WORKER of it reads too. */
export const openToWorkers = (
  fields: readonly string[],
  organization = 'organizationId',
): { readonly [EXTENSION]: Opened } => ({ [EXTENSION]: { fields, organization } })

const NOTHING: Opened = { fields: [], organization: 'organizationId' }

/** What a type opens to workers; undefined for a type that has no rule. */
export function openedBy(type: GraphQLObjectType): Opened | undefined {
  const opened = type.extensions[EXTENSION] as Opened | undefined // `openToWorkers` made it
  return opened ?? (type.getInterfaces().some(({ name }) => name === 'Node') ? NOTHING : undefined)
}

/** Closes to workers what no type opens to them; answers the same schema. Throws for a field that is opened and not there. */
export function closedToWorkers(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap()).filter(isObjectType)) {
    const opened = openedBy(type)
    if (opened === undefined) continue
    const fields = type.getFields()
    for (const name of opened.fields)
      if (fields[name] === undefined)
        throw new Error(`${type.name} opens ${name}, which it has not.`)
    for (const field of Object.values(fields)) {
      // a worker comes to no object of a type that opens nothing: there, plain columns stay without a resolver
      const resolve = field.resolve ?? (opened === NOTHING ? undefined : defaultFieldResolver)
      if (resolve !== undefined && !opened.fields.includes(field.name))
        field.resolve = closed(resolve, `${type.name}.${field.name}`, opened)
    }
  }
  return schema
}

type Resolver = GraphQLFieldResolver<unknown, Context>

function closed(resolve: Resolver, place: string, { organization }: Opened): Resolver {
  return (row, args, ctx, info) => {
    if (isWorkerAnywhere(ctx.viewer) && isOfWorker(ctx.viewer, row, organization))
      throw forbidden(place)
    return resolve(row, args, ctx, info)
  }
}

/** Whether a row is of an organization that the viewer only works for, or does not say of which; null is of none. */
function isOfWorker(viewer: Viewer, row: unknown, key: string): boolean {
  const id = (row as Readonly<Record<string, unknown>>)[key]
  return id === undefined || (typeof id === 'string' && isWorkerIn(viewer, id))
}

const forbidden = (place: string): Forbidden =>
  new Forbidden('VIEWER', `${place} needs the role VIEWER.`)

/** The first closed place of what is asked for; undefined where all of it is open. */
const places = new WeakMap<FieldNode, string | undefined>()

/**
 * Throws Forbidden where a viewer that reads nowhere asks for what is closed to workers: a mutation finds out before it
 * does anything, not with its answer. What is asked under a condition is left to the answer.
 */
export function allowAsked(viewer: Viewer, info: GraphQLResolveInfo): void {
  if (isWorkerOnly(viewer)) allowOpen(info)
}

/** The same, for a mutation that has found in which organization it acts. */
export function allowAskedIn(
  viewer: Viewer,
  info: GraphQLResolveInfo,
  organizationId: string,
): void {
  if (isWorkerIn(viewer, organizationId)) allowOpen(info)
}

function allowOpen(info: GraphQLResolveInfo): void {
  const [first] = info.fieldNodes
  if (first === undefined) return
  if (!places.has(first))
    places.set(
      first,
      info.fieldNodes
        .map(({ selectionSet }) => closedIn(info, getNamedType(info.returnType), selectionSet))
        .find((place) => place !== undefined),
    )
  const place = places.get(first)
  if (place !== undefined) throw forbidden(place)
}

function closedIn(
  info: GraphQLResolveInfo,
  type: GraphQLNamedType,
  selections: SelectionSetNode | undefined,
): string | undefined {
  for (const selection of selections?.selections ?? []) {
    if (selection.directives?.length) continue
    const place = closedAt(info, type, selection)
    if (place !== undefined) return place
  }
  return undefined
}

function closedAt(
  info: GraphQLResolveInfo,
  type: GraphQLNamedType,
  selection: SelectionSetNode['selections'][number],
): string | undefined {
  const { schema, fragments } = info
  switch (selection.kind) {
    case Kind.FIELD: {
      const { value } = selection.name
      if (isClosed(schema, type, value)) return `${type.name}.${value}`
      const field = 'getFields' in type ? type.getFields()[value] : undefined
      return field && 'args' in field
        ? closedIn(info, getNamedType(field.type), selection.selectionSet)
        : undefined
    }
    case Kind.INLINE_FRAGMENT: {
      const within = selection.typeCondition && schema.getType(selection.typeCondition.name.value)
      return closedIn(info, within ?? type, selection.selectionSet)
    }
    case Kind.FRAGMENT_SPREAD: {
      const fragment = fragments[selection.name.value]
      const within = fragment && schema.getType(fragment.typeCondition.name.value)
      return fragment && closedIn(info, within ?? type, fragment.selectionSet)
    }
  }
}

/** Whether a field is closed on a type: on an abstract one, when all those that have a rule close it. */
function isClosed(schema: GraphQLSchema, type: GraphQLNamedType, field: string): boolean {
  if (field.startsWith('__')) return false
  const types = isAbstractType(type)
    ? schema.getPossibleTypes(type)
    : isObjectType(type)
      ? [type]
      : []
  const rules = types.flatMap((one) => openedBy(one) ?? [])
  return rules.length > 0 && rules.every(({ fields }) => !fields.includes(field))
}
