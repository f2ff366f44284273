import { isObject } from './values.ts'

/** Drafts of JSON Schema that values are checked by. */
export type SchemaDraft = 'DRAFT_04' | 'DRAFT_2020_12'

const NAMES: Readonly<Record<string, SchemaDraft>> = {
  'http://json-schema.org/draft-04/schema': 'DRAFT_04',
  'https://json-schema.org/draft/2020-12/schema': 'DRAFT_2020_12',
}

/** The draft that a schema names by `$schema`, if it names one of ours. */
export function namedDraft(schema: unknown): SchemaDraft | undefined {
  const name = isObject(schema) ? schema['$schema'] : undefined
  return typeof name === 'string' ? draftAt(name) : undefined
}

/** The draft whose own schema has this address. */
export function draftAt(address: string): SchemaDraft | undefined {
  const name = address.replace(/#$/, '')
  return Object.hasOwn(NAMES, name) ? NAMES[name] : undefined
}

/**
 * The draft that a schema is read by: the one that is asked for, else the one it names, else the newest. Undefined when
 * it names one that is none of ours.
 */
export const draftOf = (
  asked: SchemaDraft | null | undefined,
  schema: unknown,
): SchemaDraft | undefined =>
  asked ??
  (isObject(schema) && '$schema' in schema ? namedDraft(schema) : ('DRAFT_2020_12' as const))
