import { Steps } from '../pattern/steps.ts'
import { Document } from './document.ts'
import { draftAt, type SchemaDraft } from './draft.ts'

const schema = { $ref: '#' }
const text = { type: 'string' }
const flag = { type: 'boolean' }
const number = { type: 'number' }
const count = { type: 'integer', minimum: 0 }
const schemas = { type: 'array', minItems: 1, items: schema }
const named = { type: 'object', additionalProperties: schema }
const type = { enum: ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'] }
const types = { anyOf: [type, { type: 'array', items: type, minItems: 1, uniqueItems: true }] }
const texts = { type: 'array', items: text, uniqueItems: true }
const oneOrMoreTexts = { ...texts, minItems: 1 }
const orFlag = { anyOf: [flag, schema] }

/** What is a schema of draft 04. Which it is has been found out by now, so `$schema` may say anything. */
const DRAFT_04 = {
  type: 'object',
  properties: {
    id: text,
    title: text,
    description: text,
    multipleOf: { type: 'number', minimum: 0, exclusiveMinimum: true },
    maximum: number,
    exclusiveMaximum: flag,
    minimum: number,
    exclusiveMinimum: flag,
    maxLength: count,
    minLength: count,
    pattern: text,
    additionalItems: orFlag,
    items: { anyOf: [schema, schemas] },
    maxItems: count,
    minItems: count,
    uniqueItems: flag,
    maxProperties: count,
    minProperties: count,
    required: oneOrMoreTexts,
    additionalProperties: orFlag,
    definitions: named,
    properties: named,
    patternProperties: named,
    dependencies: { type: 'object', additionalProperties: { anyOf: [schema, oneOrMoreTexts] } },
    enum: { type: 'array', minItems: 1, uniqueItems: true },
    type: types,
    allOf: schemas,
    anyOf: schemas,
    oneOf: schemas,
    not: schema,
  },
  dependencies: { exclusiveMaximum: ['maximum'], exclusiveMinimum: ['minimum'] },
}

const anchor = { type: 'string', pattern: '^[A-Za-z_][-A-Za-z0-9._]*$' }
const address = { type: 'string', format: 'uri' }
const reference = { type: 'string', format: 'uri-reference' }

const branches = Object.fromEntries(['if', 'then', 'else'].map((keyword) => [keyword, schema]))

/** What is a schema of 2020-12: its vocabularies in one. */
const DRAFT_2020_12 = {
  type: ['object', 'boolean'],
  properties: {
    $id: { ...reference, pattern: '^[^#]*#?$' },
    $ref: reference,
    $anchor: anchor,
    $dynamicRef: reference,
    $dynamicAnchor: anchor,
    $vocabulary: { type: 'object', propertyNames: address, additionalProperties: flag },
    $comment: text,
    $defs: named,
    definitions: named,
    dependencies: { type: 'object', additionalProperties: { anyOf: [schema, texts] } },
    prefixItems: schemas,
    items: schema,
    contains: schema,
    additionalProperties: schema,
    properties: named,
    patternProperties: { ...named, propertyNames: { format: 'regex' } },
    dependentSchemas: named,
    propertyNames: schema,
    ...branches,
    allOf: schemas,
    anyOf: schemas,
    oneOf: schemas,
    not: schema,
    unevaluatedItems: schema,
    unevaluatedProperties: schema,
    type: types,
    enum: { type: 'array' },
    multipleOf: { type: 'number', exclusiveMinimum: 0 },
    maximum: number,
    exclusiveMaximum: number,
    minimum: number,
    exclusiveMinimum: number,
    maxLength: count,
    minLength: count,
    pattern: { type: 'string', format: 'regex' },
    maxItems: count,
    minItems: count,
    uniqueItems: flag,
    maxContains: count,
    minContains: count,
    maxProperties: count,
    minProperties: count,
    required: texts,
    dependentRequired: { type: 'object', additionalProperties: texts },
    format: text,
    contentEncoding: text,
    contentMediaType: text,
    contentSchema: schema,
    title: text,
    description: text,
    deprecated: flag,
    readOnly: flag,
    writeOnly: flag,
    examples: { type: 'array' },
  },
}

const freely = new Steps(Infinity)

/** What schemas are checked by, each a schema of its own draft. */
export const metas: Readonly<Record<SchemaDraft, Document>> = {
  DRAFT_04: new Document('DRAFT_04', DRAFT_04, freely),
  DRAFT_2020_12: new Document('DRAFT_2020_12', DRAFT_2020_12, freely),
}

/** The document at an address that every schema may refer to. */
export function standardAt(at: string): Document | undefined {
  const draft = draftAt(at)
  return draft && metas[draft]
}
