import { LRUCache } from 'lru-cache'
import type { Issue } from '../errors.ts'
import { checkedValue } from '../json/numbers.ts'
import { isNestedTooDeep, MAX_NESTING } from '../json/nesting.ts'
import { TooManySteps, type Steps } from '../pattern/steps.ts'
import { Check } from './check.ts'
import { Document } from './document.ts'
import { asDraft04 } from './draft-04.ts'
import type { SchemaDraft } from './draft.ts'
import { metas, standardAt } from './meta.ts'
import { isObject } from './values.ts'

/** A schema may have so many characters, and as much nesting as any value. */
const MAX_CHARACTERS = 256 * 1024
/** Documents that are kept, and what all of them together may be large. */
const MAX_KEPT = 500
const MAX_KEPT_CHARACTERS = 2 * 1024 * 1024

/** A schema that was found to be one. `id` is the same for the same draft and text. */
export interface Kept {
  readonly id: string
  readonly draft: SchemaDraft
  readonly text: string
}

interface KeptDocument {
  readonly document: Document
  readonly schema: Kept
  /** What it counts: its text, and what is kept besides. */
  readonly characters: number
}

const documents = new LRUCache<string, KeptDocument>({
  max: MAX_KEPT,
  maxSize: MAX_KEPT_CHARACTERS,
  sizeCalculation: ({ characters }) => characters,
})

/** A schema that is among the last that were used. */
export const knownSchema = (id: string): Kept | undefined => documents.peek(id)?.schema

function documentOf(schema: Kept, steps: Steps): Document {
  const { id, draft, text } = schema
  const known = documents.get(id)
  if (known !== undefined) return known.document
  steps.take(text.length >> 3)
  const document = new Document(draft, readable(draft, checkedValue(text)), steps, standardAt)
  const characters = text.length + document.characters
  documents.set(id, { document, schema, characters })
  return document
}

/** What is wrong with a JSON text. Throws TooManySteps. */
export function issuesOf(schema: Kept, value: string, steps: Steps): readonly Issue[] {
  steps.take(value.length >> 4)
  const { root } = documentOf(schema, steps)
  return checked(root, checkedValue(value), steps)
}

/** Why a text is no schema that may be kept. Throws TooManySteps. */
export function refusalOf(
  draft: SchemaDraft | undefined,
  text: string,
  steps: Steps,
): string | undefined {
  if (text.length > MAX_CHARACTERS) return `A schema has at most ${MAX_CHARACTERS} characters.`
  steps.take(text.length >> 2)
  const schema = checkedValue(text)
  if (isNestedTooDeep(schema)) return `A schema is nested at most ${MAX_NESTING} deep.`
  if (typeof schema !== 'boolean' && !isObject(schema))
    return 'A schema is an object, or true or false.'
  if (draft === undefined)
    return '"$schema" names a draft that is not known here; "draft" says which to read it by.'
  const read = readable(draft, schema)
  const issues = checked(metas[draft].root, read, steps)
  if (issues.length > 0)
    return issues
      .slice(0, 5)
      .map(({ path, message }) => message.replace('This', () => `/${path.join('/')}`))
      .join(' ')
      .slice(0, 500)
  try {
    const document = new Document(draft, read, steps, standardAt)
    document.prepare(new Check(steps))
    checked(document.root, {}, steps) // one that never ends does not do so here
    return undefined
  } catch (cause) {
    if (cause instanceof TooManySteps || !(cause instanceof Error)) throw cause
    return cause.message.slice(0, 500)
  }
}

/** Draft 04 without what Millrace lets pass of it. */
const readable = (draft: SchemaDraft, schema: unknown): unknown =>
  draft === 'DRAFT_04' ? asDraft04(schema) : schema

function checked(root: Document['root'], value: unknown, steps: Steps): readonly Issue[] {
  const check = new Check(steps)
  try {
    check.fits(root, value)
  } catch (cause) {
    if (cause instanceof RangeError) throw new TooManySteps() // of the stack
    throw cause
  }
  return check.issues
}
