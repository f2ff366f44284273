import type { Steps } from '../pattern/steps.ts'
import { Addresses, NOWHERE, NoSuchSchema } from './addresses.ts'
import * as groups from './applicators.ts'
import type { Check, CompiledSchema, Rule } from './check.ts'
import type { SchemaDraft } from './draft.ts'
import { scalarsOf2020, scalarsOfDraft04, type Maker } from './scalars.ts'
import { isObject, type JsonObject } from './values.ts'

interface Dialect {
  readonly idWord: string
  readonly makers: Readonly<Record<string, Maker>>
  readonly groups: readonly (readonly [keywords: readonly string[], group: groups.Group])[]
}

const MEMBERS = ['properties', 'patternProperties', 'additionalProperties']

const dialects: Readonly<Record<SchemaDraft, Dialect>> = {
  DRAFT_04: {
    idWord: 'id',
    makers: scalarsOfDraft04,
    groups: [
      [MEMBERS, groups.members],
      [['dependencies'], groups.dependents],
      [['items'], groups.itemsOfDraft04],
      [['allOf'], groups.all],
      [['anyOf', 'oneOf', 'not'], groups.choices(true)],
    ],
  },
  DRAFT_2020_12: {
    idWord: '$id',
    makers: scalarsOf2020,
    groups: [
      [MEMBERS, groups.members],
      [['propertyNames'], groups.names],
      [['dependentSchemas', 'dependentRequired', 'dependencies'], groups.dependents],
      [['prefixItems', 'items'], groups.items],
      [['contains'], groups.contains],
      [['allOf'], groups.all],
      [['anyOf', 'oneOf', 'not'], groups.choices(false)],
      [['if'], groups.conditions],
      [['unevaluatedProperties', 'unevaluatedItems'], groups.unevaluated],
    ],
  },
}

/** What a schema is made of. Nothing of it is worked out before a value needs it. */
export class Document {
  readonly #draft: SchemaDraft
  readonly #dialect: Dialect
  readonly #addresses: Addresses
  readonly #standard: ((address: string) => Document | undefined) | undefined
  readonly #nodes = new Map<object, SchemaNode>()
  readonly root: CompiledSchema

  /** `standard` answers documents that every schema may refer to. Throws TooManySteps. */
  constructor(
    draft: SchemaDraft,
    schema: unknown,
    steps: Steps,
    standard?: (address: string) => Document | undefined,
  ) {
    this.#draft = draft
    this.#dialect = dialects[draft]
    this.#addresses = new Addresses(schema, this.#dialect.idWord, steps)
    this.#standard = standard
    this.root = this.nodeOf(schema)
  }

  /** Characters that it keeps besides the schema itself. */
  get characters(): number {
    return this.#addresses.characters
  }

  /** Makes the rules of all schemas that a value could come to. Throws what is wrong with one of them, and TooManySteps. */
  prepare(check: Check): void {
    this.#addresses.checkLengths()
    // those that are found meanwhile come at the end
    for (const node of this.#nodes.values()) node.rules(check)
  }

  nodeOf(schema: unknown): CompiledSchema {
    if (!isObject(schema)) return schema === false ? NOTHING : ANYTHING
    const known = this.#nodes.get(schema)
    if (known !== undefined) return known
    const node = new SchemaNode(this.#addresses.baseOf(schema), schema, (of, steps) =>
      this.#rulesOf(of, steps),
    )
    this.#nodes.set(schema, node)
    return node
  }

  #rulesOf(schema: JsonObject, steps: Steps): readonly Rule[] {
    const { makers, groups: all } = this.#dialect
    steps.take(20)
    const reference = this.#reference(schema, steps)
    if (reference && this.#draft === 'DRAFT_04') return [reference]
    const nodeOf = (one: unknown): CompiledSchema => {
      steps.take(5)
      return this.nodeOf(one)
    }
    const scalars = Object.entries(schema).map(([keyword, value]) => {
      steps.take(5)
      return Object.hasOwn(makers, keyword) ? makers[keyword]?.(value, schema, steps) : undefined
    })
    return [
      ...scalars,
      reference,
      this.#dynamicReference(schema, steps),
      ...all
        .filter(([keywords]) => keywords.some((keyword) => Object.hasOwn(schema, keyword)))
        .flatMap(([, group]) => group(schema, nodeOf, steps)),
    ].filter((rule) => rule !== undefined)
  }

  #reference(schema: JsonObject, steps: Steps): Rule | undefined {
    const { $ref } = schema
    if (typeof $ref !== 'string') return undefined
    const node = this.#find($ref, this.#addresses.baseOf(schema), steps)
    return (value, check, seen) => check.fits(node, value, seen)
  }

  #dynamicReference(schema: JsonObject, steps: Steps): Rule | undefined {
    const { $dynamicRef: reference } = schema
    if (typeof reference !== 'string' || this.#draft === 'DRAFT_04') return undefined
    const base = this.#addresses.baseOf(schema)
    const first = this.#find(reference, base, steps)
    const name = reference.slice(reference.indexOf('#') + 1)
    const isDynamic = first instanceof SchemaNode && first.schema['$dynamicAnchor'] === name
    if (!isDynamic) return (value, check, seen) => check.fits(first, value, seen)
    return (value, check, seen) => {
      check.steps.take(check.scope.length)
      const found = this.#addresses.findDynamic(name, check.scope)
      return check.fits(found ? this.nodeOf(found) : first, value, seen)
    }
  }

  #find(reference: string, base: string, steps: Steps): CompiledSchema {
    try {
      return this.nodeOf(this.#addresses.find(reference, base, steps))
    } catch (cause) {
      if (!(cause instanceof NoSuchSchema)) throw cause
      const [address = '', fragment = ''] = reference.split('#')
      const standard = this.#standard?.(address)
      if (standard === undefined) throw cause
      return standard.#find(`#${fragment}`, NOWHERE, steps)
    }
  }
}

const NOTHING: CompiledSchema = {
  base: NOWHERE,
  isLast: false,
  rules: () => [(_value, check) => check.fail('false schema', 'boolean schema is false')],
}
const ANYTHING: CompiledSchema = { base: NOWHERE, isLast: false, rules: () => [] }

class SchemaNode implements CompiledSchema {
  readonly base: string
  readonly schema: JsonObject
  readonly isLast: boolean
  readonly #make: (schema: JsonObject, steps: Steps) => readonly Rule[]
  #rules: readonly Rule[] | undefined

  constructor(
    base: string,
    schema: JsonObject,
    make: (schema: JsonObject, steps: Steps) => readonly Rule[],
  ) {
    this.base = base
    this.schema = schema
    this.#make = make
    this.isLast = 'unevaluatedProperties' in schema || 'unevaluatedItems' in schema
  }

  rules({ steps }: Check): readonly Rule[] {
    return (this.#rules ??= this.#make(this.schema, steps))
  }
}
