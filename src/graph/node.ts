import { brandWithType } from '@pothos/core'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { BadRequest } from '../kit/errors.ts'
import { idKind, nounOf } from '../kit/ids.ts'

/** The Relay interface (https://relay.dev/graphql/objectidentification.htm). */
export const NodeInterface = builder.interfaceRef<object>('Node').implement({
  description:
    'An object with a globally unique ID, by which `node` returns it again (Relay Global Object Identification).',
  fields: (t) => ({
    id: t.id({
      description:
        'ID: a prefix for the type, an underscore and the key, such as `svc_01k…`. The ID of an attempt ends in its number: `att_01k….2`.',
      resolve: () => {
        throw new Error('A type of Node has an id of its own.')
      },
    }),
  }),
})

/** How the ids of one kind of node are read. */
interface NodeIds<Key> {
  readonly noun: string
  read(text: string): Key | undefined
}

type Find = (ctx: Context, id: string) => Promise<object | null>
const finders = new Map<string, Find>()

/** Makes a type reachable through `node` and `nodes`; `find` answers null for the absent and the foreign alike. */
export function isNode<Row extends object, Key>(
  ids: NodeIds<Key>,
  typename: (row: Row) => string,
  find: (ctx: Context, key: Key) => Promise<Row | null>,
): void {
  finders.set(ids.noun, async (ctx, id) => {
    const key = ids.read(id)
    const row = key === undefined ? null : await find(ctx, key)
    if (row !== null) brandWithType(row, typename(row) as never)
    return row
  })
}

/** The object behind a canonical id, marked with its type; null when there is none for this viewer. */
export async function findNode(ctx: Context, id: string): Promise<object | null> {
  const find = finders.get(id.slice(0, Math.max(0, id.lastIndexOf('_'))))
  return (await find?.(ctx, id)) ?? null
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
      'Returns the object with this ID, of any type. Null when no such object exists, or when the caller may not see it.',
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
