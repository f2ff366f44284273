import {
  Kind,
  type DocumentNode,
  type FragmentDefinitionNode,
  type SelectionSetNode,
} from 'graphql'
import { tooComplex } from './refusal.ts'

/** Pairs of fields with one name in one place that validation has to compare (GraphQL specification, 5.3.2). */
const PAIRS = 20_000
/** Fields, inline fragments and spreads that are looked at. */
const STEPS = 30_000

/**
 * Throws TOO_COMPLEX where fields are repeated so often that comparing each with each would take long. Wants a
 * document that was measured: it walks what the operations select with fragments spread out, which is bounded then.
 */
export function boundRepeats(document: DocumentNode): void {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION)
      fragments.set(definition.name.value, definition)
  const spread = new Set<FragmentDefinitionNode>()
  let pairs = 0
  let steps = 0

  /** Counts in these selections taken together, and in what is below each name. */
  const count = (sets: readonly SelectionSetNode[]): void => {
    const below = new Map<string, { fields: number; sets: SelectionSetNode[] }>()
    const collect = ({ selections }: SelectionSetNode): void => {
      steps += selections.length
      for (const selection of selections)
        switch (selection.kind) {
          case Kind.FIELD: {
            const name = (selection.alias ?? selection.name).value
            const same = below.get(name) ?? { fields: 0, sets: [] }
            below.set(name, same)
            pairs += same.fields
            same.fields += 1
            if (selection.selectionSet) same.sets.push(selection.selectionSet)
            break
          }
          case Kind.INLINE_FRAGMENT:
            collect(selection.selectionSet)
            break
          case Kind.FRAGMENT_SPREAD: {
            const fragment = fragments.get(selection.name.value)
            if (fragment === undefined) break
            spread.add(fragment)
            collect(fragment.selectionSet)
          }
        }
      if (pairs > PAIRS || steps > STEPS)
        throw tooComplex('The document repeats the same fields too often.')
    }
    for (const set of sets) collect(set)
    for (const { sets: inner } of below.values()) if (inner.length > 0) count(inner)
  }

  for (const definition of document.definitions)
    if (definition.kind === Kind.OPERATION_DEFINITION) count([definition.selectionSet])
  // what no operation spreads is validated all the same
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION && !spread.has(definition))
      count([definition.selectionSet])
}
