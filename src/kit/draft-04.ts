import type { CodeKeywordDefinition, Options } from 'ajv'
import AjvDraft04Module from 'ajv-draft-04'

// CommonJS, whose default is the class itself under Node.js
const AjvDraft04 = AjvDraft04Module.default

/** Keywords of later drafts that Ajv would read here too. */
const LATER = ['const', 'contains', 'if', 'then', 'else', 'propertyNames']

/**
 * Ajv for draft 04 alone: later keywords mean nothing, no `format` is asserted, what stands beside a `$ref` is ignored,
 * and a value that fits no branch of an `anyOf` or `oneOf` has one violation, not those of each branch.
 */
export function ajvOfDraft04(options: Options): InstanceType<typeof AjvDraft04> {
  const ajv = new AjvDraft04({ ...options, validateFormats: false, ignoreKeywordsWithRef: true })
  for (const keyword of LATER) ajv.removeKeyword(keyword)
  for (const keyword of ['anyOf', 'oneOf']) {
    const known = ajv.getKeyword(keyword) as CodeKeywordDefinition // Ajv's own, which are code
    ajv.removeKeyword(keyword)
    ajv.addKeyword({
      ...known,
      code(cxt, rule) {
        const tell = cxt.error.bind(cxt)
        cxt.error = (...error) => {
          cxt.reset()
          tell(...error)
        }
        known.code(cxt, rule)
      },
    })
  }
  return ajv
}

const MAPS = new Set(['properties', 'patternProperties', 'definitions', '$defs', 'dependencies'])
const WITHIN = new Set(['items', 'allOf', 'anyOf', 'oneOf', 'not'])
const OR_BOOLEAN = new Set(['additionalItems', 'additionalProperties'])

/**
 * The schema without what draft 04 does not know and Ajv would refuse: `true` and `false` as schemas, which say nothing
 * here, exclusive bounds that are numbers or have no bound beside them, `nullable`; and without the harmless slips that
 * validators of the time let pass: a `required` of nothing, and names or values that are listed twice.
 */
export function asDraft04(schema: unknown): unknown {
  if (typeof schema === 'boolean') return {}
  if (!isMap(schema)) return schema
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([keyword, value]) => isOfDraft04(keyword, value, schema))
      .map(([keyword, value]) => [keyword, read(keyword, value)]),
  )
}

function isOfDraft04(keyword: string, value: unknown, beside: Record<string, unknown>): boolean {
  switch (keyword) {
    case 'nullable':
      return false
    case 'id': // beside a reference it would change what that refers to
      return typeof beside['$ref'] !== 'string'
    case 'not':
      return typeof value !== 'boolean'
    case 'exclusiveMinimum':
      return typeof value !== 'number' && beside['minimum'] !== undefined
    case 'exclusiveMaximum':
      return typeof value !== 'number' && beside['maximum'] !== undefined
    case 'required':
      return !Array.isArray(value) || value.length > 0
    default:
      return true
  }
}

function read(keyword: string, value: unknown): unknown {
  if (MAPS.has(keyword) && isMap(value))
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, asDraft04(one)]))
  if (WITHIN.has(keyword)) return Array.isArray(value) ? value.map(asDraft04) : asDraft04(value)
  if (OR_BOOLEAN.has(keyword) && isMap(value)) return asDraft04(value)
  if ((keyword === 'required' || keyword === 'enum') && Array.isArray(value))
    return [...new Set<unknown>(value)]
  return value
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
