import { Ajv2020, type AnySchema, type ErrorObject, type Options } from 'ajv/dist/2020.js'
import formatsModule from 'ajv-formats'
import { costlyPattern, MAX_PATTERN } from './costly-pattern.ts'
import { ajvOfDraft04, asDraft04 } from './draft-04.ts'
import type { Issue } from './errors.ts'
import { checkedValue } from './json-numbers.ts'
import { isNestedTooDeep, MAX_NESTING } from './nesting.ts'
import { addUniqueItems } from './unique-items.ts'

/** Drafts of JSON Schema that values are checked by. */
export type SchemaDraft = 'DRAFT_04' | 'DRAFT_2020_12'

// CommonJS, whose default is the function itself under Node.js
const addFormats = formatsModule.default

/** A schema may have so many characters, and as much nesting as any value. */
const MAX_CHARACTERS = 256 * 1024
/** Violations that are told of one value. */
const MAX_ISSUES = 100
/** Compiled schemas that are kept. */
const MAX_COMPILED = 500

const OPTIONS: Options = {
  allErrors: true,
  strict: false,
  // what a value inherits in JavaScript, such as `toString`, is no property of it
  ownProperties: true,
  inlineRefs: 20,
  code: { regExp: Object.assign(patternOf, { code: 'new RegExp' }), process: withSteps },
  // once is enough: `refusalOf` does it for what is to be kept
  validateSchema: false,
  logger: false,
}

/** Patterns are read by characters, as the specification says; those that JavaScript refuses then, as they always were. */
function patternOf(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u')
  } catch {
    return new RegExp(pattern)
  }
}

const META: Readonly<Record<string, SchemaDraft>> = {
  'http://json-schema.org/draft-04/schema': 'DRAFT_04',
  'https://json-schema.org/draft/2020-12/schema': 'DRAFT_2020_12',
}

/** The draft that a schema names by `$schema`, if it names one of ours. */
export function namedDraft(schema: unknown): SchemaDraft | undefined {
  const name = isMap(schema) ? schema['$schema'] : undefined
  return typeof name === 'string' ? META[name.replace(/#$/, '')] : undefined
}

/**
 * The draft that a schema is read by: the one that is asked for, else the one it names, else the newest. Undefined when
 * it names one that is none of ours.
 */
export const draftOf = (
  asked: SchemaDraft | null | undefined,
  schema: unknown,
): SchemaDraft | undefined =>
  asked ?? (isMap(schema) && '$schema' in schema ? namedDraft(schema) : ('DRAFT_2020_12' as const))

export type Check = (value: unknown) => readonly Issue[]

const compiled = new Map<string, Check>()

/** The check that a kept schema makes; compiled once, as long as it is among the last that were used. */
export function checkOf(id: string, draft: SchemaDraft, text: string): Check {
  const known = compiled.get(id)
  if (known !== undefined) {
    compiled.delete(id)
    compiled.set(id, known)
    return known
  }
  const check = compile(draft, checkedValue(text) as AnySchema) // it was checked when it was kept
  compiled.set(id, check)
  for (const oldest of compiled.keys()) {
    if (compiled.size <= MAX_COMPILED) break
    compiled.delete(oldest)
  }
  return check
}

/** The check of a kept schema, if it is at hand. */
export const knownCheck = (id: string): Check | undefined => compiled.get(id)

/**
 * Why a value is no schema that may be kept: no schema of the draft it is to be read by, one that leads out of itself,
 * nowhere or in a circle, too large, or with a pattern that might not end. Nothing is ever fetched.
 */
export function refusalOf(
  draft: SchemaDraft | undefined,
  schema: unknown,
  text: string,
): string | undefined {
  if (text.length > MAX_CHARACTERS) return `A schema has at most ${MAX_CHARACTERS} characters.`
  if (isNestedTooDeep(schema)) return `A schema is nested at most ${MAX_NESTING} deep.`
  if (typeof schema !== 'boolean' && !isMap(schema))
    return 'A schema is an object, or true or false.'
  if (draft === undefined)
    return '"$schema" names a draft that is not known here; "draft" says which to read it by.'
  const pattern = costlyPattern(schema)
  if (pattern !== undefined)
    return `The pattern ${JSON.stringify(pattern)} might take forever: no repetition or choice within a repetition, no back reference, at most ${MAX_PATTERN} characters.`
  const meta = metas[draft]
  steps = 0
  try {
    if (!meta.validateSchema(readable(draft, schema)))
      return meta.errorsText(meta.errors?.slice(0, 5), { dataVar: 'schema' })
    const issues = compile(draft, schema)({})
    return issues.includes(ENDLESS) ? ENDLESS.message : undefined
  } catch (cause) {
    if (cause instanceof RangeError) return ENDLESS.message
    if (cause instanceof Ajv2020.MissingRefError)
      return `"${cause.missingRef}" leads nowhere within the schema, and nothing is fetched.`
    return cause instanceof Error ? cause.message.slice(0, 500) : String(cause)
  }
}

/** What is wrong with a value when a schema refers to itself without end, or each of its parts to many others. */
const ENDLESS: Issue = {
  path: [],
  message: 'To look at this by the schema takes too many steps, or never ends.',
  rule: '$ref',
}

/** References that are followed for one value; a large list whose items are described by one has as many. */
const MAX_STEPS = 1_000_000
let steps = 0

/** Ajv's code for what a reference leads to, which begins with counting. */
function withSteps(code: string): string {
  return code.replace(/^(.*?return function \w+\(data, .*?=\{\}\)\{)/s, '$1self.step();')
}

/** For the code that `withSteps` makes. */
function step(): void {
  steps += 1
  if (steps > MAX_STEPS) throw new RangeError(`More than ${MAX_STEPS} steps.`)
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function compile(draft: SchemaDraft, schema: AnySchema): Check {
  // an instance each: what a schema calls itself is its own affair, and nothing of it stays behind
  const validate = ajvOf(draft).compile(readable(draft, schema))
  return (value) => {
    steps = 0
    try {
      if (validate(value)) return []
    } catch (cause) {
      if (cause instanceof RangeError) return [ENDLESS] // of steps, or of the stack: no value is nested that deep
      throw cause
    }
    return (validate.errors ?? []).slice(0, MAX_ISSUES).map(issueOf)
  }
}

function ajvOf(draft: SchemaDraft) {
  const ajv = draft === 'DRAFT_04' ? ajvOfDraft04(OPTIONS) : new Ajv2020(OPTIONS)
  if (draft === 'DRAFT_2020_12') addFormats(ajv, { mode: 'fast' })
  addUniqueItems(ajv)
  return Object.assign(ajv, { step })
}

/** By these it is told what is a schema. */
const metas = { DRAFT_04: ajvOf('DRAFT_04'), DRAFT_2020_12: ajvOf('DRAFT_2020_12') }

/** A schema as Ajv is to read it: without the name of a draft, since it is known by now which it is. */
function readable(draft: SchemaDraft, schema: unknown): AnySchema {
  const read = draft === 'DRAFT_04' ? asDraft04(schema) : schema
  if (!isMap(read)) return read === true
  const { $schema: _named, ...rest } = read
  return rest
}

function issueOf({ instancePath, keyword, message, params }: ErrorObject): Issue {
  const path = instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  const more = keyword === 'additionalProperties' ? ` (${String(params.additionalProperty)})` : ''
  return { path, message: `This ${message ?? 'is wrong'}${more}.`, rule: keyword }
}
