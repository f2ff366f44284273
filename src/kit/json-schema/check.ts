import type { Issue } from '../errors.ts'
import { TooManySteps, type Steps } from '../pattern/steps.ts'
import type { JsonObject } from './values.ts'

/** Violations that are told of one value; what would only make more is not looked at. */
const MAX_ISSUES = 100
/** Characters of all that is told, and of a message and a name within it. */
const MAX_TOLD = 128 * 1024
const MAX_MESSAGE = 500
const MAX_NAME = 200
/** Names of an object that are looked up anew each time they are needed. */
const FEW_NAMES = 32
/** Schemas that a value may be in the middle of: far more than nesting asks for, less than the stack bears. */
const MAX_DEPTH = 1_500

/** A keyword of a schema with what it says: whether a value keeps to it. What the schema has looked at it adds to `seen`. */
export type Rule = (value: unknown, check: Check, seen: SeenParts | undefined) => boolean

/** A schema that values are checked by. Its rules are made when they are first needed, each once. */
export interface CompiledSchema {
  /** The resource that it is part of: the schema around it that has an address of its own. */
  readonly base: string
  /** Whether it has a rule about what nothing else has looked at. */
  readonly isLast: boolean
  rules(check: Check): readonly Rule[]
}

/** What of a value the schemas at one place have looked at, for `unevaluatedProperties` and `unevaluatedItems`. */
export class SeenParts {
  readonly names = new Set<string>()
  readonly places = new Set<number>()
  /** Items from the first that were looked at. */
  items = 0

  add(other: SeenParts, steps: Steps): void {
    steps.take(other.names.size + other.places.size)
    for (const name of other.names) this.names.add(name)
    for (const place of other.places) this.places.add(place)
    this.items = Math.max(this.items, other.items)
  }
}

/** One value being checked: where one is, what was found wrong, and what may still be done. */
export class Check {
  readonly issues: Issue[] = []
  readonly path: string[] = []
  readonly steps: Steps
  /** The resources that were entered, outermost first: what a `$dynamicRef` looks through. */
  readonly scope: string[] = []
  #quiet = 0
  #depth = 0
  #told = 0
  readonly #names = new Map<object, readonly string[]>()

  constructor(steps: Steps) {
    this.steps = steps
  }

  /** Whether there is no use in finding anything else wrong. */
  get isDone(): boolean {
    return this.#quiet > 0 || this.issues.length >= MAX_ISSUES || this.#told >= MAX_TOLD
  }

  /** The names of an object's members, which are counted. */
  namesOf(value: JsonObject): readonly string[] {
    const known = this.#names.get(value)
    if (known !== undefined) return known
    const names = Object.keys(value)
    this.steps.take(names.length)
    if (names.length > FEW_NAMES) this.#names.set(value, names)
    return names
  }

  /** Whether the value fits. Throws TooManySteps. */
  fits(node: CompiledSchema, value: unknown, seen?: SeenParts): boolean {
    this.steps.take()
    if (this.#depth >= MAX_DEPTH) throw new TooManySteps()
    this.#depth += 1
    const isEntered = this.scope.at(-1) !== node.base
    if (isEntered) this.scope.push(node.base)
    const own = seen || node.isLast ? new SeenParts() : undefined
    let isFine = true
    for (const rule of node.rules(this)) {
      this.steps.take()
      if (rule(value, this, own)) continue
      isFine = false
      if (this.isDone) break
    }
    if (isEntered) this.scope.pop()
    this.#depth -= 1
    if (isFine && own) seen?.add(own, this.steps)
    return isFine
  }

  /** The same for a part of the value. */
  fitsAt(place: string, node: CompiledSchema, value: unknown): boolean {
    this.path.push(place)
    const isFine = this.fits(node, value)
    this.path.pop()
    return isFine
  }

  /** The same without telling what is wrong. */
  quietly(node: CompiledSchema, value: unknown, seen?: SeenParts): boolean {
    this.#quiet += 1
    const isFine = this.fits(node, value, seen)
    this.#quiet -= 1
    return isFine
  }

  /** Notes what is wrong here; false, as what is wrong answers. */
  fail(rule: string, message: string): false {
    if (this.isDone) return false
    this.steps.take(this.path.length)
    const path = this.path.map((name) => cut(name, MAX_NAME))
    const issue = { path, message: cut(`This ${message}.`, MAX_MESSAGE), rule }
    this.issues.push(issue)
    this.#told += lengthOf(issue)
    return false
  }

  /** Forgets what was noted since there were so many. */
  forget(count: number): void {
    for (const issue of this.issues.splice(count)) this.#told -= lengthOf(issue)
  }
}

const lengthOf = ({ path, message }: Issue): number =>
  path.reduce((sum, name) => sum + name.length, message.length)

/** As much of a text as is told of it; no character is cut in two. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text
  const isWithin = (text.codePointAt(most - 1) ?? 0) > 0xffff
  return `${text.slice(0, isWithin ? most - 1 : most)}…`
}
