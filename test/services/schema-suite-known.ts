/**
 * What `validateJson` answers otherwise than the public suite has it, by its files: `<group>: <case>`, and `refused` for
 * a schema that is not taken at all.
 */
export const KNOWN: Readonly<Record<string, readonly string[]>> = {
  // JavaScript has no larger number than a double
  'draft4/optional/float-overflow.json': [
    'all integers are multiples of 0.5, if overflow is handled: valid if optional overflow handling is implemented',
  ],
  // a JSON parser of JavaScript cannot tell 1.0 from 1
  'draft4/optional/zeroTerminatedFloats.json': [
    'some languages do not distinguish between different types of numeric value: a float is not an integer even without fractional part',
  ],
  // Ajv looks at no property called `__proto__`
  'draft4/properties.json': [
    'properties whose names are Javascript object property names: __proto__ not valid',
  ],
  // nothing is fetched
  'draft4/refRemote.json': [
    'remote ref: refused',
    'fragment within remote ref: refused',
    'ref within remote ref: refused',
    'base URI change: refused',
    'base URI change - change folder: refused',
    'base URI change - change folder in subschema: refused',
    'root ref in remote ref: refused',
    'Location-independent identifier in remote ref: refused',
  ],
  // Ajv knows `$dynamicRef` in its plain form only
  'draft2020-12/dynamicRef.json': [
    'A $dynamicRef to a $dynamicAnchor in the same schema resource behaves like a normal $ref to an $anchor: An array of strings is valid',
    'A $dynamicRef to an $anchor in the same schema resource behaves like a normal $ref to an $anchor: An array of strings is valid',
    'A $dynamicRef resolves to the first $dynamicAnchor still in scope that is encountered when the schema is evaluated: An array of strings is valid',
    'A $dynamicRef without anchor in fragment behaves identical to $ref: An array of numbers is valid',
    "A $dynamicRef with intermediate scopes that don't include a matching $dynamicAnchor does not affect dynamic scope resolution: An array of strings is valid",
    'An $anchor with the same name as a $dynamicAnchor is not used for dynamic scope resolution: Any array is valid',
    'A $dynamicRef without a matching $dynamicAnchor in the same schema resource behaves like a normal $ref to $anchor: Any array is valid',
    'A $dynamicRef with a non-matching $dynamicAnchor in the same schema resource behaves like a normal $ref to $anchor: Any array is valid',
    'A $dynamicRef that initially resolves to a schema with a matching $dynamicAnchor resolves to the first $dynamicAnchor in the dynamic scope: refused',
    'A $dynamicRef that initially resolves to a schema without a matching $dynamicAnchor behaves like a normal $ref to $anchor: refused',
    'multiple dynamic paths to the $dynamicRef keyword: number list with string values',
    'multiple dynamic paths to the $dynamicRef keyword: string list with number values',
    'after leaving a dynamic scope, it is not used by a $dynamicRef: refused',
    'strict-tree schema, guards against misspelled properties: refused',
    'tests for implementation dynamic anchor and reference link: refused',
    '$ref and $dynamicAnchor are independent of order - $defs first: refused',
    '$ref and $dynamicAnchor are independent of order - $ref first: refused',
    '$ref to $dynamicRef finds detached $dynamicAnchor: refused',
    '$dynamicRef points to a boolean schema: follow $dynamicRef to a false schema',
    '$dynamicRef skips over intermediate resources - direct reference: integer property passes',
  ],
  // formats are asserted
  'draft2020-12/format.json': [
    'email format: invalid email string is only an annotation by default',
    'regex format: invalid regex string is only an annotation by default',
    'ipv4 format: invalid ipv4 string is only an annotation by default',
    'ipv6 format: invalid ipv6 string is only an annotation by default',
    'hostname format: invalid hostname string is only an annotation by default',
    'date format: invalid date string is only an annotation by default',
    'date-time format: invalid date-time string is only an annotation by default',
    'time format: invalid time string is only an annotation by default',
    'json-pointer format: invalid json-pointer string is only an annotation by default',
    'relative-json-pointer format: invalid relative-json-pointer string is only an annotation by default',
    'uri format: invalid uri string is only an annotation by default',
    'uri-reference format: invalid uri-reference string is only an annotation by default',
    'uri-template format: invalid uri-template string is only an annotation by default',
    'uuid format: invalid uuid string is only an annotation by default',
    'duration format: invalid duration string is only an annotation by default',
  ],
  // Ajv looks at no property called `__proto__`
  'draft2020-12/properties.json': [
    'properties whose names are Javascript object property names: __proto__ not valid',
  ],
  // Ajv loses its way between a schema and one within that has an `$id` of its own
  'draft2020-12/ref.json': [
    'refs with relative uris and defs: refused',
    'relative refs with absolute uris and defs: refused',
    'URN ref with nested pointer ref: refused',
  ],
  // nothing is fetched
  'draft2020-12/refRemote.json': [
    'remote ref: refused',
    'fragment within remote ref: refused',
    'anchor within remote ref: refused',
    'ref within remote ref: refused',
    'base URI change: refused',
    'base URI change - change folder: refused',
    'base URI change - change folder in subschema: refused',
    'root ref in remote ref: refused',
    'remote ref with ref to defs: refused',
    'Location-independent identifier in remote ref: refused',
    'retrieved nested refs resolve relative to their URI not $id: refused',
    'remote HTTP ref with different $id: refused',
    'remote HTTP ref with different URN $id: refused',
    'remote HTTP ref with nested absolute ref: refused',
    '$ref to $ref finds detached $anchor: refused',
  ],
  // Ajv does not follow what `contains`, `if` without `then` and nested lists have evaluated
  'draft2020-12/unevaluatedItems.json': [
    'unevaluatedItems with nested items: with no additional items',
    'unevaluatedItems with nested items: with invalid additional item',
    'unevaluatedItems with $dynamicRef: refused',
    'unevaluatedItems depends on adjacent contains: contains passes, second item is not evaluated',
    'unevaluatedItems depends on multiple nested contains: 7 not evaluated, fails unevaluatedItems',
    "unevaluatedItems and contains interact to control item dependency relationship: only b's are invalid",
    "unevaluatedItems and contains interact to control item dependency relationship: only c's are invalid",
    "unevaluatedItems and contains interact to control item dependency relationship: only b's and c's are invalid",
    "unevaluatedItems and contains interact to control item dependency relationship: only a's and c's are invalid",
    'unevaluatedItems can see annotations from if without then and else: valid in case if is evaluated',
  ],
  // as above
  'draft2020-12/unevaluatedProperties.json': [
    'unevaluatedProperties with if/then/else, then not defined: when if is false and has unevaluated properties',
    'unevaluatedProperties with $dynamicRef: refused',
    'unevaluatedProperties can see annotations from if without then and else: valid in case if is evaluated',
  ],
  // there are no vocabularies but the standard ones
  'draft2020-12/vocabulary.json': [
    'schema that uses custom metaschema with with no validation vocabulary: no validation: invalid number, but it still validates',
  ],
}
