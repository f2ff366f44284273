import { isObject, type JsonObject } from './values.ts'

const MAPS = new Set(['properties', 'patternProperties', 'definitions', '$defs', 'dependencies'])
const WITHIN = new Set(['items', 'allOf', 'anyOf', 'oneOf', 'not'])
const OR_BOOLEAN = new Set(['additionalItems', 'additionalProperties'])

/**
 * The schema without what draft 04 does not know and its own schema would refuse: `true` and `false` as schemas, which say nothing
 * here, exclusive bounds that are numbers or have no bound beside them, `nullable`; and without the harmless slips that
 * validators of the time let pass: a `required` of nothing, and names or values that are listed twice.
 */
export function asDraft04(schema: unknown): unknown {
  if (typeof schema === 'boolean') return {}
  if (!isObject(schema)) return schema
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([keyword, value]) => isOfDraft04(keyword, value, schema))
      .map(([keyword, value]) => [keyword, read(keyword, value)]),
  )
}

function isOfDraft04(keyword: string, value: unknown, beside: JsonObject): boolean {
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
  if (MAPS.has(keyword) && isObject(value))
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, asDraft04(one)]))
  if (WITHIN.has(keyword)) return Array.isArray(value) ? value.map(asDraft04) : asDraft04(value)
  if (OR_BOOLEAN.has(keyword) && isObject(value)) return asDraft04(value)
  if ((keyword === 'required' || keyword === 'enum') && Array.isArray(value))
    return [...new Set<unknown>(value)]
  return value
}
