import {
  Kind,
  type ASTNode,
  type ConstDirectiveNode,
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql'
import { MAX_NESTING } from '../../kit/json/nesting.ts'
import { tooComplex } from './refusal.ts'

/** What a document may hold. Spread fragments count as what they spread. */
export interface DocumentBounds {
  readonly depth: number
  readonly aliases: number
}

/** Bounds that nobody has had a reason to set. */
const DEFINITIONS = 100
const VARIABLES = 100
const ROOT_FIELDS = 100
const DIRECTIVES = 200
/** Fields, inline fragments and spreads of all operations together. */
const SELECTIONS = 10_000
/** Inline fragments around one field, for each level of depth. */
const NESTING = 4

/** What a selection comes to, with everything its fragments spread. */
interface Size {
  depth: number
  rootFields: number
  selections: number
  aliases: number
  directives: number
}

const nothing = (): Size => ({
  depth: 0,
  rootFields: 0,
  selections: 0,
  aliases: 0,
  directives: 0,
})

/**
 * Throws TOO_COMPLEX for a document that is deeper, wider or more repetitive than one request may be, and for
 * fragments that spread themselves. It looks at every definition once, and at nothing but the document, so that
 * nothing that costs more has to be done with one that is refused. No name is exempt.
 */
export function measure(document: DocumentNode, bounds: DocumentBounds): void {
  const { definitions } = document
  if (definitions.length > DEFINITIONS)
    throw tooComplex(`A document has at most ${DEFINITIONS} operations and fragments.`)
  new Measuring(document, bounds).all()
}

class Measuring {
  readonly #document: DocumentNode
  readonly #bounds: DocumentBounds
  readonly #fragments = new Map<string, FragmentDefinitionNode>()
  readonly #sizes = new Map<FragmentDefinitionNode, Size>()
  /** Fragments within which the walk is. */
  readonly #open = new Set<FragmentDefinitionNode>()
  #selections = 0

  constructor(document: DocumentNode, bounds: DocumentBounds) {
    this.#document = document
    this.#bounds = bounds
    for (const definition of document.definitions)
      if (definition.kind === Kind.FRAGMENT_DEFINITION)
        this.#fragments.set(definition.name.value, definition)
  }

  all(): void {
    for (const definition of this.#document.definitions)
      if (definition.kind === Kind.OPERATION_DEFINITION) this.#operation(definition)
      else if (definition.kind === Kind.FRAGMENT_DEFINITION) this.#fragment(definition)
  }

  #operation(operation: OperationDefinitionNode): void {
    const { variableDefinitions = [], selectionSet } = operation
    if (variableDefinitions.length > VARIABLES)
      throw tooComplex(`An operation has at most ${VARIABLES} variables.`)
    const size = nothing()
    size.directives += this.#directives(operation.directives)
    for (const { defaultValue, directives } of variableDefinitions) {
      size.directives += this.#directives(directives)
      if (defaultValue) this.#value(defaultValue, 1)
    }
    const selected = this.#selectionSet(selectionSet, 1, 1)
    add(size, selected)
    this.#check(size)
    if (size.rootFields > ROOT_FIELDS)
      throw tooComplex(`An operation has at most ${ROOT_FIELDS} fields at its root.`)
    this.#selections += size.selections
    this.#checkSelections(this.#selections)
  }

  #fragment(fragment: FragmentDefinitionNode): Size {
    const known = this.#sizes.get(fragment)
    if (known !== undefined) return known
    if (this.#open.has(fragment))
      throw tooComplex(`The fragment ${shown(fragment.name.value)} spreads itself.`)
    this.#open.add(fragment)
    const size = this.#selectionSet(fragment.selectionSet, 1, 1)
    size.directives += this.#directives(fragment.directives)
    this.#check(size)
    this.#open.delete(fragment)
    this.#sizes.set(fragment, size)
    return size
  }

  /** `level` and `nesting` are those of what is selected here, counted from its definition. */
  #selectionSet({ selections }: SelectionSetNode, level: number, nesting: number): Size {
    const total = nothing()
    if (level > this.#bounds.depth) throw this.#tooDeep()
    if (nesting > this.#bounds.depth * NESTING)
      throw tooComplex(`Fragments are nested at most ${this.#bounds.depth * NESTING} times.`)
    for (const selection of selections) {
      total.selections += 1
      total.directives += this.#directives(selection.directives)
      switch (selection.kind) {
        case Kind.FIELD: {
          for (const { value } of selection.arguments ?? []) this.#value(value, 1)
          const below = selection.selectionSet
            ? this.#selectionSet(selection.selectionSet, level + 1, nesting + 1)
            : nothing()
          if (selection.alias) total.aliases += 1
          add(total, { ...below, depth: below.depth + 1, rootFields: 1 })
          break
        }
        case Kind.INLINE_FRAGMENT:
          add(total, this.#selectionSet(selection.selectionSet, level, nesting + 1))
          break
        case Kind.FRAGMENT_SPREAD: {
          // one that is not there is for validation to name
          const fragment = this.#fragments.get(selection.name.value)
          if (fragment) add(total, this.#fragment(fragment))
        }
      }
      this.#check(total)
    }
    return total
  }

  #directives(directives: readonly (DirectiveNode | ConstDirectiveNode)[] = []): number {
    if (directives.length > DIRECTIVES) throw this.#tooManyDirectives()
    for (const { arguments: given = [] } of directives)
      for (const { value } of given) this.#value(value, 1)
    return directives.length
  }

  #value(value: ValueNode, level: number): void {
    if (value.kind !== Kind.LIST && value.kind !== Kind.OBJECT) return
    if (level > MAX_NESTING)
      throw tooComplex(`Lists and objects in a value are nested at most ${MAX_NESTING} deep.`)
    const inner: readonly ASTNode[] = value.kind === Kind.LIST ? value.values : value.fields
    for (const node of inner)
      this.#value(node.kind === Kind.OBJECT_FIELD ? node.value : (node as ValueNode), level + 1) // all else in a list is a value
  }

  #check({ depth, selections, aliases, directives }: Size): void {
    if (depth > this.#bounds.depth) throw this.#tooDeep()
    if (aliases > this.#bounds.aliases)
      throw tooComplex(`An operation has at most ${this.#bounds.aliases} aliases (MAX_ALIASES).`)
    if (directives > DIRECTIVES) throw this.#tooManyDirectives()
    this.#checkSelections(selections)
  }

  #checkSelections(selections: number): void {
    if (selections > SELECTIONS)
      throw tooComplex(
        `The operations of a document select at most ${SELECTIONS} fields and fragments.`,
      )
  }

  #tooDeep() {
    return tooComplex(`Fields are nested at most ${this.#bounds.depth} deep (MAX_DEPTH).`)
  }

  #tooManyDirectives() {
    return tooComplex(`An operation has at most ${DIRECTIVES} directives.`)
  }
}

function add(total: Size, more: Size): void {
  total.depth = Math.max(total.depth, more.depth)
  total.rootFields += more.rootFields
  total.selections += more.selections
  total.aliases += more.aliases
  total.directives += more.directives
}

const shown = (name: string): string => JSON.stringify(name.slice(0, 80))
