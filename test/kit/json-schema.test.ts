import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { Unavailable } from '../../src/kit/errors.ts'
import { issuesOf, refusalOf } from '../../src/kit/json-schema/judge.ts'
import { Pool } from '../../src/kit/json-schema/pool.ts'
import type { Answer, Task } from '../../src/kit/json-schema/task.ts'
import { Steps, TooManySteps } from '../../src/kit/pattern/steps.ts'

const SUITE = join(import.meta.dirname, '../fixtures/json-schema-test-suite')
const limits = {
  limitMs: 60_000,
  maxOfOne: 10,
  maxOfAll: 15,
  maxCharacters: 1_000_000,
  idleMs: 100,
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
  const pool = new Pool<Task, Answer>(thread, limits)
  for (const { draft, text, values } of cases(of)) {
    const why = refusalOf(draft, text, new Steps(1e6))
    expect(await pool.do('me', { kind: 'refusal', draft, text }, 0)).toEqual({
      kind: 'refusal',
      why,
    })
    const schema = { id: `${draft} ${text}`, draft, text }
    if (why !== undefined) continue
    const [value = 'null'] = values
    expect(await pool.do('me', { kind: 'issues', schema, value }, 0), text).toEqual({
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

const small = (n: number): Task => ({
  kind: 'issues',
  schema: { id: 'true', draft: 'DRAFT_04', text: '{}' },
  value: String(n),
})

test('callers take turns at the thread, and no more wait than there is room for', async () => {
  const pool = new Pool<Task, Answer>(thread, limits)
  const order: string[] = []
  const ask = async (caller: string, n: number) => {
    await pool.do(caller, small(n), 10)
    order.push(caller)
  }
  const busy = times(9, (n) => ask('busy', n))
  const other = ask('other', 1)
  await other
  expect(order.length).toBeLessThanOrEqual(3)
  await Promise.all(busy)
  const many = times(30, (n) => pool.do('many', small(n), 10).catch((cause: unknown) => cause))
  expect((await Promise.all(many)).filter((one) => one instanceof Unavailable)).toHaveLength(19)
})

test('a thread that takes too long is ended, and the next check has a new one', async () => {
  const pool = new Pool<Task, Answer>(thread, { ...limits, limitMs: 3_000 })
  const text = JSON.stringify({ pattern: '^(a*)*\\1b$' })
  const endless = {
    kind: 'issues',
    isPatient: true,
    schema: { id: text, draft: 'DRAFT_04', text },
    value: JSON.stringify('a'.repeat(50)),
  } as const
  expect(await pool.do('me', endless, 60)).toBeUndefined()
  expect(await pool.do('me', { ...endless, value: '"aab"' }, 60)).toEqual({
    kind: 'issues',
    issues: [],
  })
})
