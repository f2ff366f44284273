import type { Steps } from '../pattern/steps.ts'
import { isList, isObject, type JsonObject } from './values.ts'

/** Where a schema that names no address of its own is. */
export const NOWHERE = 'schema://schema/'

/** A reference that leads to nothing within the schema, and nothing is fetched. */
export class NoSuchSchema extends Error {
  constructor(reference: string) {
    super(`"${reference}" leads nowhere within the schema, and nothing is fetched.`)
  }
}

/** Characters that a resource's address may have. */
const MAX_ADDRESS = 2_000

/** A schema's own address that is too long. */
class TooLongAddress extends Error {
  constructor() {
    super(`The address of a schema has at most ${MAX_ADDRESS} characters.`)
  }
}

const ONE = new Set([
  'additionalItems',
  'additionalProperties',
  'contains',
  'else',
  'if',
  'items',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
])
const MANY = new Set(['allOf', 'anyOf', 'items', 'oneOf', 'prefixItems'])
const NAMED = new Set([
  '$defs',
  'definitions',
  'dependencies',
  'dependentSchemas',
  'patternProperties',
  'properties',
])

/** What schemas within a document are called, and where each is. */
export class Addresses {
  readonly #idWord: string
  readonly #resources = new Map<string, unknown>()
  /** By their resources and names, so that nothing has to be written together to be found. */
  readonly #anchors = new Map<string, Map<string, unknown>>()
  readonly #dynamic = new Map<string, Map<string, JsonObject>>()
  readonly #bases = new Map<object, string>()
  #characters = 0
  #hasTooLong = false

  /** `idWord` is the keyword that gives a schema an address. */
  constructor(root: unknown, idWord: string, steps: Steps) {
    this.#idWord = idWord
    this.#resources.set(NOWHERE, root)
    this.#walk(root, NOWHERE, steps)
  }

  /** Characters of all addresses that are kept. */
  get characters(): number {
    return this.#characters
  }

  /** Throws if a schema names an address that is too long; such a one names nothing. */
  checkLengths(): void {
    if (this.#hasTooLong) throw new TooLongAddress()
  }

  /** The resource that a schema is part of. */
  baseOf(schema: object): string {
    return this.#bases.get(schema) ?? NOWHERE
  }

  /** The schema that a reference leads to from another one. Throws NoSuchSchema, and TooManySteps. */
  find(reference: string, base: string, steps: Steps): unknown {
    takeFor(reference, base, steps)
    const address = URL.canParse(reference, base) ? new URL(reference, base) : undefined
    if (address === undefined) throw new NoSuchSchema(reference)
    const fragment = decoded(address.hash.slice(1))
    address.hash = ''
    const resource = withoutHash(address)
    if (fragment !== '' && !fragment.startsWith('/')) {
      const anchor = this.#anchors.get(resource)?.get(fragment)
      if (anchor === undefined) throw new NoSuchSchema(reference)
      return anchor
    }
    const found = this.#resources.get(resource)
    if (found === undefined) throw new NoSuchSchema(reference)
    return this.#follow(found, resource, fragment, reference)
  }

  /** The schema that `$dynamicAnchor` gives this name in the outermost of some resources that has one. */
  findDynamic(name: string, scope: readonly string[]): JsonObject | undefined {
    for (const base of scope) {
      const found = this.#dynamic.get(base)?.get(name)
      if (found !== undefined) return found
    }
    return undefined
  }

  #follow(root: unknown, resource: string, pointer: string, reference: string): unknown {
    let at = root
    let base = resource
    for (const part of pointer.split('/').slice(1)) {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
      if ((!isObject(at) && !isList(at)) || !Object.hasOwn(at, name))
        throw new NoSuchSchema(reference)
      at = (at as JsonObject)[name] // an item of a list has its place for a name
      if (typeof at === 'object' && at !== null) base = this.#bases.get(at) ?? base
    }
    // what stands where no schema is expected is part of what is around it
    if (typeof at === 'object' && at !== null && !this.#bases.has(at)) this.#bases.set(at, base)
    return at
  }

  #walk(schema: unknown, around: string, steps: Steps): void {
    steps.take()
    if (!isObject(schema) || this.#bases.has(schema)) return
    const base = this.#named(schema, around, steps)
    this.#bases.set(schema, base)
    for (const [keyword, value] of Object.entries(schema)) {
      steps.take()
      if (MANY.has(keyword) && isList(value)) for (const one of value) this.#walk(one, base, steps)
      else if (ONE.has(keyword)) this.#walk(value, base, steps)
      else if (NAMED.has(keyword) && isObject(value))
        for (const one of Object.values(value)) this.#walk(one, base, steps)
    }
  }

  /** Notes what a schema calls itself; answers the resource that it is part of. */
  #named(schema: JsonObject, around: string, steps: Steps): string {
    const id = schema[this.#idWord]
    const address = typeof id === 'string' ? this.#addressOf(id, around, steps) : undefined
    const fragment = address?.hash.slice(1) ?? ''
    const base = address === undefined || id === `#${fragment}` ? around : withoutHash(address)
    if (base !== around) this.#characters += base.length
    if (address !== undefined && fragment === '') this.#resources.set(base, schema)
    if (this.#idWord === 'id' && fragment !== '')
      set(this.#anchors, base, decoded(fragment), schema)
    if (this.#idWord !== '$id') return base
    const { $anchor, $dynamicAnchor } = schema
    if (typeof $anchor === 'string') set(this.#anchors, base, $anchor, schema)
    if (typeof $dynamicAnchor === 'string') {
      set(this.#anchors, base, $dynamicAnchor, schema)
      set(this.#dynamic, base, $dynamicAnchor, schema)
    }
    return base
  }

  /** The address that an id stands for, if it stands for one that is not too long. */
  #addressOf(id: string, around: string, steps: Steps): URL | undefined {
    takeFor(id, around, steps)
    const isShort = id.length <= MAX_ADDRESS
    const address = isShort && URL.canParse(id, around) ? new URL(id, around) : undefined
    const fits = isShort && (address?.href.length ?? 0) <= MAX_ADDRESS
    if (!fits) this.#hasTooLong = true
    return fits ? address : undefined
  }
}

/** What it costs to resolve an address. */
const takeFor = (address: string, base: string, steps: Steps): void =>
  steps.take(30 + ((address.length + base.length) >> 2))

function set<T>(maps: Map<string, Map<string, T>>, base: string, name: string, value: T): void {
  const map = maps.get(base) ?? new Map<string, T>()
  maps.set(base, map.set(name, value))
}

function withoutHash(address: URL): string {
  const text = address.href
  const hash = text.indexOf('#')
  return hash < 0 ? text : text.slice(0, hash)
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment)
  } catch {
    return fragment
  }
}
