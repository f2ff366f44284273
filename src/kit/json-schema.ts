import { Ajv2020, type AnySchema, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import AjvDraft04Module from 'ajv-draft-04'
import formatsModule from 'ajv-formats'
import type { Issue } from './errors.ts'
import { checkedValue } from './json-numbers.ts'
import { isNestedTooDeep, MAX_NESTING } from './nesting.ts'
import { addUniqueItems } from './unique-items.ts'

/** Drafts of JSON Schema that values are checked by. */
export type SchemaDraft = 'DRAFT_04' | 'DRAFT_2020_12'

// both are CommonJS, whose default is the class itself under Node.js
const AjvDraft04 = AjvDraft04Module.default
const addFormats = formatsModule.default

/** A schema may have so many characters, and as much nesting as any value. */
const MAX_CHARACTERS = 256 * 1024
/** Violations that are told of one value. */
const MAX_ISSUES = 100
/** Compiled schemas that are kept. */
const MAX_COMPILED = 500

const OPTIONS = {
  allErrors: true,
  strict: false,
  validateFormats: true,
  // patterns with the flag `u` are what the specification says, but refuse what old schemas have
  unicodeRegExp: false,
  addUsedSchema: false,
  inlineRefs: 20,
  logger: false as const,
}

const META: Readonly<Record<string, SchemaDraft>> = {
  'http://json-schema.org/draft-04/schema': 'DRAFT_04',
  'https://json-schema.org/draft/2020-12/schema': 'DRAFT_2020_12',
}

/** The draft that a schema names by `$schema`, if it names one of ours. */
export function draftOf(schema: unknown): SchemaDraft | undefined {
  const named = typeof schema === 'object' && schema !== null && '$schema' in schema
  if (!named || typeof schema.$schema !== 'string') return undefined
  return META[schema.$schema.replace(/#$/, '')]
}

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
 * Why a value is no schema that may be kept: no schema of its draft, one that would fetch another, too large, or with
 * a pattern that might not end. Nothing is ever fetched.
 */
export function refusalOf(draft: SchemaDraft, schema: unknown, text: string): string | undefined {
  if (text.length > MAX_CHARACTERS) return `A schema has at most ${MAX_CHARACTERS} characters.`
  if (isNestedTooDeep(schema)) return `A schema is nested at most ${MAX_NESTING} deep.`
  if (typeof schema !== 'boolean' && !isMap(schema))
    return 'A schema is an object, or true or false.'
  const remote = find(
    schema,
    (name, value) => REFERENCES.has(name) && typeof value === 'string' && !value.startsWith('#'),
  )
  if (remote !== undefined) return `"${remote}" leads out of the schema; nothing is fetched.`
  const pattern = find(
    schema,
    (name, value) => name === 'pattern' && typeof value === 'string' && isCostly(value),
  )
  const key = costlyKey(schema)
  if (pattern !== undefined || key !== undefined)
    return `The pattern ${JSON.stringify(pattern ?? key)} might take forever: no repetition or choice within a repetition, no back reference, at most ${MAX_PATTERN} characters.`
  try {
    compile(draft, schema)
    return undefined
  } catch (cause) {
    return cause instanceof Error ? cause.message.slice(0, 500) : String(cause)
  }
}

const REFERENCES = new Set(['$ref', '$dynamicRef', '$recursiveRef'])

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The first text in a schema that is what is looked for. Not deeper than nesting may be. */
function find(schema: unknown, is: (name: string, value: unknown) => boolean): string | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined
  for (const [name, value] of Object.entries(schema)) {
    if (is(name, value)) return String(value)
    const within = find(value, is)
    if (within !== undefined) return within
  }
  return undefined
}

function costlyKey(schema: unknown): string | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined
  for (const [name, value] of Object.entries(schema)) {
    if (name === 'patternProperties' && isMap(value)) {
      const costly = Object.keys(value).find(isCostly)
      if (costly !== undefined) return costly
    }
    const within = costlyKey(value)
    if (within !== undefined) return within
  }
  return undefined
}

const MAX_PATTERN = 1_000

/**
 * Whether a pattern might take more than linear or quadratic time: JavaScript's engine tries every way, so a
 * repetition of a group that itself repeats or chooses may have exponentially many.
 */
function isCostly(pattern: string): boolean {
  if (pattern.length > MAX_PATTERN) return true
  // literals and classes say nothing; what is left are groups, choices and repetitions
  const bare = pattern
    .replace(/\\[1-9k]/g, '\u0001')
    .replace(/\\./g, 'x')
    .replace(/\[(?:[^\]])*\]/g, 'x')
  if (bare.includes('\u0001')) return true
  if ((bare.match(/[*+]|\{\d+,/g) ?? []).length > 10) return true
  const open: boolean[] = []
  for (let i = 0; i < bare.length; i += 1) {
    const char = bare[i]
    if (char === '(') open.push(false)
    else if (char === ')') {
      const isBusy = open.pop() ?? false
      const repeats = /^(?:[*+]|\{\d+(?:,\d*)?\})/.test(bare.slice(i + 1))
      if (isBusy && repeats) return true
      if ((isBusy || repeats) && open.length > 0) open[open.length - 1] = true
    } else if (char === '|' || char === '*' || char === '+' || /^\{\d+,/.test(bare.slice(i))) {
      if (open.length > 0) open[open.length - 1] = true
    }
  }
  return false
}

function compile(draft: SchemaDraft, schema: AnySchema): Check {
  // one instance each: what a schema calls itself is its own affair, and nothing of it stays behind
  const ajv = draft === 'DRAFT_04' ? new AjvDraft04(OPTIONS) : new Ajv2020(OPTIONS)
  addFormats(ajv, { mode: 'fast' })
  addUniqueItems(ajv)
  const validate: ValidateFunction = ajv.compile(schema)
  return (value) => {
    if (validate(value)) return []
    return (validate.errors ?? []).slice(0, MAX_ISSUES).map(issueOf)
  }
}

function issueOf({ instancePath, keyword, message, params }: ErrorObject): Issue {
  const path = instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  const more = keyword === 'additionalProperties' ? ` (${String(params.additionalProperty)})` : ''
  return { path, message: `This ${message ?? 'is wrong'}${more}.`, rule: keyword }
}
