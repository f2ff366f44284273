import { buildSchema } from 'graphql'
import { expect, test } from 'vitest'
import { changesBetween, unnamed } from '../../scripts/breaking.ts'

const old = buildSchema(`
  type Query { jobs(text: String, first: Int = 1): [Job!]! gone: Int }
  interface Node { id: ID! }
  type Job implements Node { id: ID! at: Time state: State }
  type Time { at: String }
  enum State { OPEN SHUT }
  union Any = Job | Time
  input Find { text: String }
  directive @mark(on: Int) on FIELD
`)
const now = buildSchema(`
  type Query { jobs(first: Int = 2, like: String!): [Job!]! }
  interface Node { id: ID! }
  type Job { id: ID! at: Moment state: State }
  type Moment { at: String }
  enum State { OPEN HALF }
  union Any = Job
  input Find { name: String! }
`)
const { breaking, dangerous } = changesBetween(old, now)

test('every change that breaks clients has a coordinate by which a changelog names it', () => {
  expect(breaking.map(({ names: [name = ''] }) => name).toSorted()).toEqual([
    'Any.Time',
    'Find.name',
    'Find.text',
    'Job.at',
    'Node',
    'Query.gone',
    'Query.jobs(like:)',
    'Query.jobs(text:)',
    'State.SHUT',
    'Time',
    'mark',
  ])
  expect(dangerous.map(({ what }) => what)).toEqual([
    'Query.jobs arg first has changed defaultValue from 1 to 2.',
    'HALF was added to enum type State.',
  ])
})

const changelog = (text: string) =>
  `# Changelog\n\n## Unreleased\n\n${text}\n\n## 0.1\n\n- \`State\`\n`

test('those that Unreleased does not name are missing, and naming Query names nothing', () => {
  const missing = (text: string) => unnamed(breaking, changelog(text)).map(({ names }) => names[0])
  expect(missing('`Query`, State')).toHaveLength(breaking.length)
  expect(
    missing('- `Query.jobs(text:)` and `State.SHUT`, `Job.at`; `@mark`, `mark`, `Node`'),
  ).toEqual(
    expect.not.arrayContaining(['Query.jobs(text:)', 'State.SHUT', 'Job.at', 'mark', 'Node']),
  )
  const all = '- `Query.jobs`, `Query.gone`, `Time`, `Find`, `State`, `Job`, `Any`, `mark`'
  expect(missing(all)).toEqual([])
})

test('a schema that only grows breaks nothing', () => {
  const grown = buildSchema(`type Query { a: Int b(c: Int): String }`)
  expect(changesBetween(buildSchema('type Query { a: Int }'), grown)).toEqual({
    breaking: [],
    dangerous: [],
  })
})
