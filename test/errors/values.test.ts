import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { doors, type Operation } from '../limits/doors.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

const TIME = 'DateTime wants an RFC 3339 time'
const WHOLE = 'SafeInt wants a whole number'

/** Wrong values as literals: what is sent, where the value begins, and how the message begins. */
const literals: [string, number, string][] = [
  [
    '{ activity(filter: { at: { from: "x" } }) { totalCount } }',
    34,
    `Argument "filter" got invalid value "x" at "filter.at.from"; ${TIME}`,
  ],
  [
    '{ activity(filter: { at: { from: 3 } }) { totalCount } }',
    34,
    `Argument "filter" got invalid value 3 at "filter.at.from"; ${TIME}`,
  ],
  [
    '{ jobs(filter: { statuses: [QUEUED, NOPE] }) { totalCount } }',
    37,
    'Argument "filter" got invalid value NOPE at "filter.statuses[1]"; Value "NOPE" does not exist in "JobStatus" enum.',
  ],
  [
    '{ jobs(filter: { statuses: ["QUEUED"] }) { totalCount } }',
    29,
    'Argument "filter" got invalid value "QUEUED" at "filter.statuses[0]"; Enum "JobStatus" cannot represent non-enum value: "QUEUED".',
  ],
  ['{ service(id: 1.5) { id } }', 15, 'Argument "id" got invalid value 1.5; ID cannot represent'],
  ['{ service(id: {}) { id } }', 15, 'Argument "id" got invalid value {}; ID cannot represent'],
  [
    '{ services(first: "x") { totalCount } }',
    19,
    'Argument "first" got invalid value "x"; Int cannot represent',
  ],
  [
    'query ($n: Int = 1.5) { services(first: $n) { totalCount } }',
    18,
    'The default of variable "$n" got invalid value 1.5; Int cannot represent',
  ],
  [
    'query ($f: ActivityFilter = { at: { from: "x" } }) { activity(filter: $f) { totalCount } }',
    43,
    `The default of variable "$f" got invalid value "x" at "f.at.from"; ${TIME}`,
  ],
  [
    '{ __typename @skip(if: 1) }',
    24,
    'Argument "if" got invalid value 1; Boolean cannot represent',
  ],
  [
    submitting('parameters: NOPE'),
    59,
    'Argument "input" got invalid value NOPE at "input.parameters"; JSON has no enum values',
  ],
  [
    submitting('parameters: { a: [1, NOPE] }'),
    68,
    'Argument "input" got invalid value NOPE at "input.parameters.a[1]"; JSON has no enum values',
  ],
  [
    submitting('priority: 1.5'),
    57,
    'Argument "input" got invalid value 1.5 at "input.priority"; Int cannot represent',
  ],
  [
    'mutation { appendJobLog(input: { jobId: "a", fence: "f", firstLine: 1.5, lines: [] }) { __typename } }',
    69,
    `Argument "input" got invalid value 1.5 at "input.firstLine"; ${WHOLE}`,
  ],
  [
    'mutation { submitJob(input: { function: "f" }) { __typename } }',
    29,
    'Argument "input" got invalid value {function: "f"}; Field "SubmitJobInput.serviceId" of required type "ID!" was not provided.',
  ],
]

function submitting(field: string): string {
  return `mutation { submitJob(input: { serviceId: "a", ${field} }) { __typename } }`
}

/** The same as variables. */
const variables: [string, Record<string, unknown>, string][] = [
  [
    'query ($v: DateTime!) { activity(filter: { at: { from: $v } }) { totalCount } }',
    { v: 'x' },
    `Variable "$v" got invalid value "x"; ${TIME}`,
  ],
  [
    'query ($v: ActivityFilter) { activity(filter: $v) { totalCount } }',
    { v: { at: { from: 'x' } } },
    `Variable "$v" got invalid value "x" at "v.at.from"; ${TIME}`,
  ],
  [
    'query ($v: [JobStatus!]) { jobs(filter: { statuses: $v }) { totalCount } }',
    { v: ['QUEUED', 'NOPE'] },
    'Variable "$v" got invalid value "NOPE" at "v[1]"; Value "NOPE" does not exist in "JobStatus" enum.',
  ],
  [
    'query ($v: ID!) { service(id: $v) { id } }',
    { v: 1.5 },
    'Variable "$v" got invalid value 1.5; ID cannot represent',
  ],
  [
    'query ($v: ID!) { service(id: $v) { id } }',
    {},
    'Variable "$v" of required type "ID!" was not provided.',
  ],
  [
    'query ($v: Int) { services(first: $v) { totalCount } }',
    { v: 'x' },
    'Variable "$v" got invalid value "x"; Int cannot represent',
  ],
  [
    'mutation ($v: SubmitJobInput!) { submitJob(input: $v) { __typename } }',
    { v: { serviceId: 'a', nope: 1 } },
    'Variable "$v" got invalid value { serviceId: "a", nope: 1 }; Field "nope" is not defined by type "SubmitJobInput".',
  ],
  [
    'mutation ($v: AppendJobLogInput!) { appendJobLog(input: $v) { __typename } }',
    { v: { jobId: 'a', fence: 'f', firstLine: 1e30, lines: [] } },
    `Variable "$v" got invalid value 1e+30 at "v.firstLine"; ${WHOLE}`,
  ],
]

/** What a field itself refuses: it has its place, and its message the argument. */
const refused: [string, string, string][] = [
  ['{ services(first: -1) { totalCount } }', 'BAD_REQUEST', '`first`'],
  ['{ services(last: 101) { totalCount } }', 'BAD_REQUEST', '`last`'],
  ['{ services(first: 1, last: 1) { totalCount } }', 'BAD_REQUEST', 'Give `first` or `last`'],
  ['{ services(offset: -1) { totalCount } }', 'BAD_REQUEST', '`offset`'],
  ...['services', 'jobs', 'activity', 'search(text: "a")'].flatMap((list) =>
    ['after', 'before'].map((name): [string, string, string] => [
      `{ ${list.includes('(') ? list.replace(')', `, ${name}: "x")`) : `${list}(${name}: "x")`} { edges { cursor } } }`,
      'BAD_CURSOR',
      `\`${name}\`: "x" is not a cursor`,
    ]),
  ),
  [
    '{ projects(orderBy: { field: NAME, direction: ASC }, before: "x") { nodes { id } } }',
    'BAD_CURSOR',
    '`before`: "x" is not a cursor',
  ],
]

/** What every door says, also the second and third time, when a document is known and runs as compiled code. */
async function always(operation: Operation) {
  const said = []
  for (const ask of Object.values(doors))
    for (let n = 0; n < 3; n += 1) said.push((await ask(app.admin, operation)).errors)
  for (const errors of said) expect(errors).toEqual(said[0])
  expect(said[0]).toHaveLength(1)
  return said[0]?.[0]
}

test.each(literals)('%s', async (query, column, message) => {
  expect(await always({ query })).toEqual({
    message: expect.stringMatching(startsWith(message)),
    locations: [{ line: 1, column }],
    extensions: { code: 'BAD_REQUEST' },
  })
})

test.each(variables)('%s with %j', async (query, values, message) => {
  expect(await always({ query, variables: values })).toEqual({
    message: expect.stringMatching(startsWith(message)),
    locations: [{ line: 1, column: query.indexOf('$v') + 1 }],
    extensions: { code: 'BAD_REQUEST' },
  })
})

test.each(refused)('%s: %s', async (query, code, message) => {
  expect(await always({ query })).toEqual({
    message: expect.stringMatching(startsWith(message)),
    locations: [{ line: 1, column: 3 }],
    path: [/\w+/.exec(query)?.[0]],
    extensions: { code },
  })
})

test('a subscription whose cursor is wrong says so the same way', async () => {
  const query = 'subscription { organizationChanged(after: "x") { cursor } }'
  for (const door of ['SSE', 'WebSocket'])
    expect((await doors[door]?.(app.admin, { query }))?.errors?.[0]).toMatchObject({
      message: expect.stringMatching(startsWith('`after`: "x" is not a cursor of this stream.')),
      extensions: { code: 'BAD_CURSOR' },
    })
})

test('a long value is shown in part', async () => {
  const query = `{ services(first: "${'x'.repeat(10_000)}") { totalCount } }`
  const error = await always({ query })
  expect(error?.message).toContain(`got invalid value "${'x'.repeat(79)}…;`)
})

function startsWith(text: string): RegExp {
  return new RegExp(`^${text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}`)
}
