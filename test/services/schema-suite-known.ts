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
  // nothing is fetched
  'draft2020-12/dynamicRef.json': [
    'strict-tree schema, guards against misspelled properties: refused',
    'tests for implementation dynamic anchor and reference link: refused',
    '$ref and $dynamicAnchor are independent of order - $defs first: refused',
    '$ref and $dynamicAnchor are independent of order - $ref first: refused',
    '$ref to $dynamicRef finds detached $dynamicAnchor: refused',
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
  // there are no vocabularies but the standard ones
  'draft2020-12/vocabulary.json': [
    'schema that uses custom metaschema with with no validation vocabulary: no validation: invalid number, but it still validates',
  ],
}
