import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { TooComplex, Unavailable } from '../../src/kit/errors.ts'
import { issuesOf, refusalOf } from '../../src/kit/json-schema/judge.ts'
import { Pool } from '../../src/kit/json-schema/pool.ts'
import type { CheckAnswer, Task } from '../../src/kit/json-schema/task.ts'
import { Steps, TooManySteps } from '../../src/kit/pattern/steps.ts'

const SUITE = join(import.meta.dirname, '../fixtures/json-schema-test-suite')
const limits = {
  limitMs: 60_000,
  maxOfOne: 10,
  maxOfAll: 15,
  maxCharactersOfOne: 100_000,
  maxCharacters: 1_000_000,
  idleMs: 100,
}
/** Who waits for a task, and how to hang up. */
function caller(key: string) {
  let why: TooComplex | undefined
  const listeners = new Set<() => void>()
  const operation = {
    get why() {
      return why
    },
    isActing: false,
    whenOver(listener: () => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  const end = (): void => {
    why = new TooComplex('It is over.')
    for (const listener of listeners) listener()
  }
  return { key, operation, end, listeners }
}
const thread = () =>
  new Worker(new URL('../../src/kit/json-schema/thread.worker.js', import.meta.url), {
    execArgv: [],
  })

type Draft = 'DRAFT_04' | 'DRAFT_2020_12'
interface Group {
  readonly schema: unknown
  readonly tests: readonly { readonly data: unknown }[]
}

/** Every schema of the public suite with its values, as texts. */
const cases = ([draft, folder]: readonly [Draft, string]) =>
  readdirSync(join(SUITE, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => JSON.parse(readFileSync(join(SUITE, folder, file), 'utf8')) as Group[])
    .map(({ schema, tests }) => ({
      draft,
      text: JSON.stringify(schema),
      values: tests.map(({ data }) => JSON.stringify(data)),
    }))

test.each([
  ['DRAFT_04', 'draft4'],
  ['DRAFT_2020_12', 'draft2020-12'],
] as const)('a thread says of the public suite what the event loop says (%s)', async (...of) => {
  const pool = new Pool<Task, CheckAnswer>(thread, limits)
  for (const { draft, text, values } of cases(of)) {
    const why = refusalOf(draft, text, new Steps(1e6))
    expect(await pool.do(caller('me'), { kind: 'refusal', draft, text }, 0)).toEqual({
      kind: 'refusal',
      why,
    })
    const schema = { id: `${draft} ${text}`, draft, text }
    if (why !== undefined) continue
    const [value = 'null'] = values
    expect(await pool.do(caller('me'), { kind: 'issues', schema, value }, 0), text).toEqual({
      kind: 'issues',
      issues: issuesOf(schema, value, new Steps(1e6)),
    })
  }
})

const times = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n))

/** The steps that a check takes; Infinity when they are more than a million. */
function stepsOf(schema: unknown, value: unknown): number {
  const text = JSON.stringify(schema)
  const kept = { id: text, draft: 'DRAFT_2020_12', text } as const
  const [made, steps] = [new Steps(1e8), new Steps(1e6)]
  try {
    issuesOf(kept, '0', made)
    issuesOf(kept, JSON.stringify(value), steps)
  } catch (cause) {
    if (cause instanceof TooManySteps) return Infinity
    throw cause
  }
  return steps.taken
}

test.each([
  ['items', { items: { type: 'number' } }, (n: number) => times(n, () => 1)],
  [
    'an enum of many',
    { items: { enum: times(1_000, (n) => [n]) } },
    (n: number) => times(n, () => [1]),
  ],
  ['items that must differ', { uniqueItems: true }, (n: number) => times(n, (place) => [place])],
  [
    'members',
    { additionalProperties: { type: 'number' } },
    (n: number) => Object.fromEntries(times(n, (place) => [`k${place}`, 1])),
  ],
  [
    'a long text',
    { pattern: '^(a+)+$', maxLength: 5, minLength: 90_000 },
    (n: number) => 'a'.repeat(n),
  ],
] as const)('steps grow with the value: %s', (_what, schema, value) => {
  const [one, two] = [stepsOf(schema, value(2_000)), stepsOf(schema, value(4_000))]
  expect(one).toBeLessThan(200_000)
  expect(two / one).toBeLessThan(2.2)
})

test.each([
  [
    'contains',
    { allOf: times(2_000, (n) => ({ contains: { const: n + 5 } })) },
    times(9_000, () => 1),
  ],
  [
    'patterns of names',
    { patternProperties: Object.fromEntries(times(2_000, (n) => [`^x${n}`, true])) },
    Object.fromEntries(times(9_000, (n) => [`key${n}`, n])),
  ],
  [
    'numbers of names',
    {
      allOf: times(50, () => ({
        maxProperties: 1e6,
        allOf: times(100, () => ({ minProperties: 0 })),
      })),
      items: { allOf: times(1_000, () => ({ maxProperties: 50 })) },
    },
    times(90, () => Object.fromEntries(times(30, (n) => [`key${n}`, n]))),
  ],
  ['lengths', { allOf: times(2_000, () => ({ maxLength: 1e6 })) }, '\u{1f432}'.repeat(9_000)],
  ['large constants', { allOf: times(2_000, () => ({ const: [1] })) }, times(9_000, () => 1)],
  [
    'references',
    {
      $defs: { a: { items: { $ref: '#/$defs/a' } } },
      allOf: times(2_000, () => ({ $ref: '#/$defs/a' })),
    },
    times(9_000, () => 1),
  ],
])('what is many times many is counted: %s', (_what, schema, value) => {
  expect(stepsOf(schema, value)).toBe(Infinity)
})

test('of many violations 100 are made', () => {
  const text = JSON.stringify({ items: { type: 'string' } })
  const steps = new Steps(1e6)
  const value = JSON.stringify(times(100_000, () => 1))
  expect(issuesOf({ id: 'hundred', draft: 'DRAFT_04', text }, value, steps)).toHaveLength(100)
  expect(steps.taken - value.length / 16).toBeLessThan(1_000) // besides reading it
})

const names = (count: number) => Object.fromEntries(times(count, (n) => [`key${n}`, n]))
const asked = (count: number) => ({ allOf: times(count, () => ({ maxProperties: 1e6 })) })

test('the names of an object are looked up once, however many ask for their number', () => {
  expect(stepsOf(asked(1), names(10_000))).toBeGreaterThan(10_000)
  expect(stepsOf(asked(2_000), names(10_000))).toBeLessThan(60_000)
})

const issuesIn = (schema: object, value: object) => {
  const text = JSON.stringify(schema)
  const kept = { id: text, draft: 'DRAFT_2020_12', text } as const
  return issuesOf(kept, JSON.stringify(value), new Steps(1e7))
}

test('what is told of long names and patterns is cut, and ends where it would be too much', () => {
  const many = Object.fromEntries(times(100, (n) => [`p${n}`, n]))
  const strings = { additionalProperties: { additionalProperties: { type: 'string' } } }
  const [first] = issuesIn(strings, { ['k'.repeat(100_000)]: many })
  expect(first?.path).toEqual([`${'k'.repeat(200)}…`, 'p0'])
  const [extra] = issuesIn({ additionalProperties: false }, { ['\u{1f432}'.repeat(5_000)]: 1 })
  expect(extra?.message).toMatch(/^This must NOT have additional properties \((\u{1f432})+…$/u)
  const part = { additionalProperties: { $ref: '#' }, type: 'string' }
  const deep = times(90, (n) => n).reduce<object>((of) => ({ ['k'.repeat(300)]: of }), many)
  const told = JSON.stringify(issuesIn(part, deep)).length
  expect(told).toBeGreaterThan(100_000)
  expect(told).toBeLessThan(200_000)
})

const refused = (draft: Draft, schema: object) =>
  refusalOf(draft, JSON.stringify(schema), new Steps(1e8))

test.each([
  ['DRAFT_04', 'id'],
  ['DRAFT_2020_12', '$id'],
] as const)('addresses are short, and to resolve them takes steps (%s)', (draft, word) => {
  const within = (length: number) => ({
    [word]: `http://x/${'a'.repeat(length)}`,
    allOf: times(1_000, (n) => ({ [word]: `?${n}` })),
  })
  expect(refused(draft, within(1_900))).toBeUndefined()
  expect(refused(draft, within(2_000))).toMatch(/address of a schema has at most 2000 characters/)
  expect(refused(draft, { [word]: `http://x/${'é'.repeat(900)}` })).toMatch(/at most 2000/)
  const text = JSON.stringify(within(1_900))
  const steps = new Steps(1e8)
  expect(issuesOf({ id: text, draft, text }, '1', steps)).toEqual([])
  expect(steps.taken).toBeGreaterThan(400_000)
})

test('a pattern that is none is named where it stands', () => {
  expect(refused('DRAFT_2020_12', { pattern: '(' })).toBe(
    '/pattern is not a valid regular expression.',
  )
})

const small = (n: number): Task => ({
  kind: 'issues',
  schema: { id: 'true', draft: 'DRAFT_04', text: '{}' },
  value: String(n),
})

test('callers take turns at the thread, and no more wait than there is room for', async () => {
  const pool = new Pool<Task, CheckAnswer>(thread, limits)
  const order: string[] = []
  const ask = async (key: string, n: number) => {
    await pool.do(caller(key), small(n), 10)
    order.push(key)
  }
  const busy = times(9, (n) => ask('busy', n))
  const other = ask('other', 1)
  await other
  expect(order.length).toBeLessThanOrEqual(3)
  await Promise.all(busy)
  const many = times(30, (n) =>
    pool.do(caller('many'), small(n), 10).catch((cause: unknown) => cause),
  )
  expect((await Promise.all(many)).filter((one) => one instanceof Unavailable)).toHaveLength(19)
})

test('a caller has a share of the room, and who has nothing waiting gets in', async () => {
  const pool = new Pool<Task, CheckAnswer>(thread, { ...limits, maxCharacters: 300_000 })
  const ask = (key: string, characters: number) =>
    pool.do(caller(key), small(1), characters).catch((cause: unknown) => cause)
  const asked = ['a', 'a', 'a', 'a', 'b', 'b', 'c', 'c', 'd', 'd'].map((key) => ask(key, 50_000))
  const answers = await Promise.all([...asked, ask('e', 250_000), ask('f', 50_000)])
  const isRefused = answers.map((answer) => answer instanceof Unavailable)
  // of each caller two may wait, besides the first of all, until there are six; then one of each
  expect(isRefused.map(Number).join('')).toBe('000100000101')
})

test('what waits for nobody any more is not done', async () => {
  const pool = new Pool<Task, CheckAnswer>(thread, limits)
  const [first, gone, acting] = ['a', 'b', 'c'].map((key) => caller(key))
  if (!first || !gone || !acting) throw new Error('There are three.')
  acting.operation.isActing = true
  const all = [first, gone, acting].map((one) => pool.do(one, small(1), 10))
  gone.end()
  acting.end()
  first.end() // it has begun
  const done = { status: 'fulfilled', value: { kind: 'issues', issues: [] } }
  expect(await Promise.allSettled(all)).toEqual([
    done,
    { status: 'rejected', reason: gone.operation.why },
    done,
  ])
  expect([first, gone, acting].map(({ listeners }) => listeners.size)).toEqual([0, 0, 0])
})

test('a thread that takes too long is ended, and the next check has a new one', async () => {
  const pool = new Pool<Task, CheckAnswer>(thread, { ...limits, limitMs: 3_000 })
  const text = JSON.stringify({ pattern: '^(a*)*\\1b$' })
  const endless = {
    kind: 'issues',
    isPatient: true,
    schema: { id: text, draft: 'DRAFT_04', text },
    value: JSON.stringify('a'.repeat(50)),
  } as const
  expect(await pool.do(caller('me'), endless, 60)).toBeUndefined()
  expect(await pool.do(caller('me'), { ...endless, value: '"aab"' }, 60)).toEqual({
    kind: 'issues',
    issues: [],
  })
})
