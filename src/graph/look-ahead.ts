import {
  Kind,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLResolveInfo,
  type SelectionSetNode,
} from 'graphql'

/** What is asked for beneath a field, by the names of fields: of whatever type, in whatever fragment, under whatever condition. */
export type AskedFields = Map<string, AskedFields>

const known = new WeakMap<FieldNode, AskedFields>()

/** What an operation asks for beneath the field that is being resolved; worked out once for each place of a document. */
export function askedIn({ fieldNodes, fragments }: GraphQLResolveInfo): AskedFields {
  const [first] = fieldNodes
  const kept = first && known.get(first)
  if (kept !== undefined) return kept
  const asked: AskedFields = new Map()
  for (const { selectionSet } of fieldNodes)
    if (selectionSet) gather(selectionSet, fragments, asked)
  if (first !== undefined) known.set(first, asked)
  return asked
}

/** How often each field is asked for in its place, under whatever name. */
const times = new WeakMap<AskedFields, number>()

/** How often what a path leads to is asked for, at most; 0 where it is not. */
export function timesAsked(asked: AskedFields, path: readonly string[]): number {
  let product = 1
  let at: AskedFields | undefined = asked
  for (const name of path) {
    at = at?.get(name)
    product *= (at && times.get(at)) ?? 0
  }
  return product
}

/** What `make` makes of what is asked for, worked out once for each place of a document; `otherwise` where nobody says. */
export function perPlace<Made>(
  otherwise: Made,
  make: (asked: AskedFields) => Made,
): (asked: AskedFields | undefined) => Made {
  const made = new WeakMap<AskedFields, Made>()
  return (asked) => {
    if (asked === undefined) return otherwise
    let own = made.get(asked)
    if (own === undefined) made.set(asked, (own = make(asked)))
    return own
  }
}

function gather(
  { selections }: SelectionSetNode,
  fragments: Readonly<Record<string, FragmentDefinitionNode>>,
  into: AskedFields,
): void {
  for (const selection of selections)
    switch (selection.kind) {
      case Kind.FIELD: {
        const below: AskedFields = into.get(selection.name.value) ?? new Map()
        into.set(selection.name.value, below)
        times.set(below, (times.get(below) ?? 0) + 1)
        if (selection.selectionSet) gather(selection.selectionSet, fragments, below)
        break
      }
      case Kind.INLINE_FRAGMENT:
        gather(selection.selectionSet, fragments, into)
        break
      case Kind.FRAGMENT_SPREAD: {
        const fragment = fragments[selection.name.value]
        if (fragment) gather(fragment.selectionSet, fragments, into)
      }
    }
}

/** What a connection is asked for about its objects, whether by `nodes` or by `edges`. */
export function askedOfNodes(info: GraphQLResolveInfo): AskedFields {
  const connection = askedIn(info)
  const nodes = connection.get('nodes')
  const node = connection.get('edges')?.get('node')
  if (nodes === undefined || node === undefined) return nodes ?? node ?? new Map()
  const kept = both.get(connection)
  if (kept !== undefined) return kept
  const merged = merge(nodes, node)
  both.set(connection, merged)
  return merged
}

const both = new WeakMap<AskedFields, AskedFields>()

function merge(one: AskedFields, other: AskedFields): AskedFields {
  const merged = new Map(one)
  for (const [name, below] of other) {
    const same = merged.get(name)
    merged.set(name, same === undefined ? below : merge(same, below))
  }
  return merged
}
