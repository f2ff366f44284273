import { brandWithType } from '@pothos/core'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { BadRequest } from '../kit/errors.ts'
import { idKind, nounOf, type IdKind } from '../kit/ids.ts'

/** The Relay interface (https://relay.dev/graphql/objectidentification.htm). */
export const NodeInterface = builder.interfaceRef<{ id: string }>('Node').implement({
  description:
    'An object with a globally unique ID, by which `node` returns it again (Relay Global Object Identification).',
  fields: (t) => ({
    id: t.id({
      description:
        'Globally unique ID (a TypeID): a prefix for the type and a key, such as `svc_01k…`.',
      resolve: ({ id }) => id,
    }),
  }),
})

type Find = (ctx: Context, uuid: string) => Promise<object | null>
const finders = new Map<
  string,
  { kind: IdKind<string>; find: Find; typename: (row: never) => string }
>()

/** Makes a type reachable through `node` and `nodes`; `find` answers null for the absent and the foreign alike. */
export function isNode<Row extends object>(
  kind: IdKind<string>,
  typename: (row: Row) => string,
  find: (ctx: Context, uuid: string) => Promise<Row | null>,
): void {
  finders.set(kind.noun, { kind, find, typename })
}

/** The object behind a canonical id, marked with its type; null when there is none for this viewer. */
export async function findNode(ctx: Context, id: string): Promise<{ id: string } | null> {
  const finder = finders.get(nounOf(id) ?? '')
  const uuid = finder?.kind.read(id)
  if (finder === undefined || uuid === undefined) return null
  const row = await finder.find(ctx, uuid)
  if (row === null) return null
  brandWithType(row, finder.typename(row as never) as never)
  return row as { id: string }
}

/** `svc:0190…` (noun and UUID) as a TypeID. */
export function typeIdOf(key: string): string {
  const colon = key.indexOf(':')
  return idKind(key.slice(0, colon)).text(key.slice(colon + 1))
}

/** A TypeID as noun and UUID; other text names nothing. */
export function keyOfTypeId(id: string): string {
  const noun = nounOf(id)
  return noun === undefined ? '' : `${noun}:${idKind(noun).read(id)}`
}

/** Objects that one `nodes` may name. */
const MAX_NODES = 100

builder.queryFields((t) => ({
  node: t.field({
    type: NodeInterface,
    nullable: true,
    description:
      'Returns the object with this ID, of whatever type; null when there is none that the caller may see.',
    args: {
      id: t.arg.id({ required: true, description: 'ID of the object, such as `svc_01k…`.' }),
    },
    resolve: (_root, { id }, ctx) => findNode(ctx, id),
  }),
  nodes: t.field({
    type: [NodeInterface],
    nullable: { list: false, items: true },
    description:
      'Returns the objects with these IDs in the given order, null for each that does not exist or that the caller may not see. At most 100.',
    args: {
      ids: t.arg.idList({ required: true, description: 'IDs of the objects. At most 100.' }),
    },
    resolve: (_root, { ids }, ctx) => {
      if (ids.length > MAX_NODES) throw new BadRequest(`Ask for at most ${MAX_NODES} ids at once.`)
      return Promise.all(ids.map((id) => findNode(ctx, id)))
    },
  }),
}))
