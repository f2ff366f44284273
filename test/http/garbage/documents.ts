import * as fc from 'fast-check'
import * as generated from '../../../testkit/generated/graphql.ts'
import { values } from './values.ts'

const real = Object.values(generated)
  .filter((one) => one instanceof generated.TypedDocumentString)
  .map(String)

const tokensOf = (document: string): string[] =>
  document.match(/[A-Za-z_]\w*|"(?:[^"\\]|\\.)*"|\d+|\.\.\.|\S/g) ?? []

const token = fc.constantFrom(
  '{',
  '}',
  '(',
  ')',
  '[',
  ']',
  '!',
  '$',
  ':',
  '=',
  '@',
  '|',
  '&',
  '...',
  '"',
  '"""',
  '#',
  '\\',

  'query',
  'mutation',
  'subscription',
  'fragment',
  'on',
  'null',
  'true',
  '__typename',
  '__schema',

  'id',
  'viewer',
  'deployments',
  'nodes',
  'first',
  '-1',
  '-0',
  '1e400',
  '00',
  '0x1',
  '1'.repeat(400),

  '"\\u0000"',
  '"\\uD800"',
  '"\\u{110000}"',
  '"\0"',
  '\0',
  '\ufeff',
  '\u2028',
  '@include(if: 1)',
  '@skip(if: $a)',
  '@defer',
  '$id',
  'deployment(id: 1)',
  'node(id: "\\u0000")',
  '\ud800',
  '🙂',
)

const mutated = fc
  .tuple(
    fc.constantFrom(...real),
    fc.array(fc.tuple(fc.nat(), fc.constantFrom('delete', 'double', 'swap', 'put', 'cut'), token), {
      minLength: 1,
      maxLength: 4,
    }),
  )
  .map(([document, changes]) => {
    const tokens = tokensOf(document)
    for (const [where, change, other] of changes) {
      const at = where % Math.max(1, tokens.length)
      if (change === 'delete') tokens.splice(at, 1)
      else if (change === 'double') tokens.splice(at, 0, tokens[at] ?? '')
      else if (change === 'put') tokens.splice(at, 0, other)
      else if (change === 'cut') tokens.splice(at)
      else [tokens[at], tokens[0]] = [tokens[0] ?? '', tokens[at] ?? '']
    }
    return tokens.join(' ')
  })

const monsters = [
  '{'.repeat(100_000),
  `{ a ${'{ a '.repeat(100_000)}`,
  `${'{ viewer '.repeat(1_000)}${'}'.repeat(1_000)}`,
  `query ($v: ${'['.repeat(50_000)}Int${']'.repeat(50_000)}) { __typename }`,
  `{ node(id: ${'['.repeat(50_000)}${']'.repeat(50_000)}) { id } }`,
  `{ node(id: ${'{a:'.repeat(50_000)}1${'}'.repeat(50_000)}) { id } }`,
  `{ ${'__typename '.repeat(4_000)} }`,
  `{ ${'__typename '.repeat(50_000)} }`,
  `{ ${Array.from({ length: 2_000 }, (_, at) => `a${at}: __typename`).join(' ')} }`,
  `{ __typename ${'@include(if: true) '.repeat(5_000)} }`,
  'query { ...A } fragment A on Query { ...A }',
  'query { ...A } fragment A on Query { ...B } fragment B on Query { viewer { ...C } } fragment C on Viewer { ...C }',
  `query { ...F0 } ${Array.from({ length: 1_000 }, (_, at) => `fragment F${at} on Query { ...F${at + 1} ...F${at + 1} }`).join(' ')}`,
  'query A { __typename } query A { __typename }',
  'query ($a: Int, $a: Int) { __typename }',
  'type Query { a: Int } query { __typename }',
  'query ($a: Query) { __typename }',
  'subscription { serviceLogs(serviceId: "a") { cursor } deploymentChanged(deploymentId: "b") { cursor } }',
  'mutation { __typename } subscription { __typename }',
  `{ node(id: "${'x'.repeat(500_000)}") { id } }`,
  `{ __typename } #${'x'.repeat(500_000)}`,
  '{ __type(name: "\\u0000") { name } }',
  'query ($toString: String, $__proto__: String) { __typename }',
  '{ __proto__ constructor toString hasOwnProperty }',
  '{ __proto__: __typename constructor: __typename toString: __typename }',
  'query ($__proto__: ID!) { node(id: $__proto__) { id } }',
  '{ viewer { organization { __proto__: id constructor: name hasOwnProperty: handle then: id } } }',
]

/** Documents that are wrong in some way; some are good by chance. */
export const documents: fc.Arbitrary<string> = fc.oneof(
  { weight: 8, arbitrary: mutated },
  { weight: 4, arbitrary: fc.array(token, { maxLength: 40 }).map((tokens) => tokens.join(' ')) },
  { weight: 2, arbitrary: fc.constantFrom(...monsters) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
)

/** Bodies of /graphql that are wrong in some way, from the document to the bytes. */
export const bodies = (id: string): fc.Arbitrary<Buffer> => {
  const value = values(id)
  const json = fc.oneof(
    documents.map((query) => JSON.stringify({ query })),
    fc
      .tuple(documents, value)
      .map(([query, any]) => `{"query":${JSON.stringify(query)},"variables":${any}}`),
    value,
    value.map((any) => `{"query":${any}}`),
    value.map((any) => `{"query":"{ __typename }","operationName":${any}}`),
    value.map((any) => `{"query":"{ __typename }","extensions":${any}}`),
    value.map((any) => `{"query":"{ __typename }","variables":${any},"more":1}`),
    value.map((any) => `{"query":"{ __typename }","extensions":{"persistedQuery":${any}}}`),
    value.map((any) => `{"query":"query ($v: JSON) { __typename }","variables":{"v":${any}}}`),
    documents.map((query) => `[{"query":${JSON.stringify(query)}},{"query":"{ __typename }"}]`),
    fc.constantFrom(
      '',
      ' ',
      '{',
      '[',
      '"',
      '\ufeff{"query":"{ __typename }"}',
      '{"query":"{a}"}}',
      'NaN',
    ),
  )
  const cut = fc.tuple(json, fc.nat()).map(([text, at]) => text.slice(0, at % (text.length + 1)))
  return fc.oneof(
    { weight: 8, arbitrary: json.map((text) => Buffer.from(text)) },
    { weight: 1, arbitrary: cut.map((text) => Buffer.from(text)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
    { weight: 1, arbitrary: json.map((text) => Buffer.from(text, 'utf16le')) },
    { weight: 1, arbitrary: json.map((text) => Buffer.from(text, 'latin1')) },
  )
}
