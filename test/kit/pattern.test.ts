import { runInNewContext } from 'node:vm'
import { array, assert, constantFrom, oneof, property, tuple, type Arbitrary } from 'fast-check'
import { expect, test } from 'vitest'
import { Pattern, readPattern } from '../../src/kit/pattern/pattern.ts'
import { amount, freshSeed } from '../../testkit/random.ts'
import { Steps, TooManySteps, Uncountable } from '../../src/kit/pattern/steps.ts'

/** What a pattern says of a text, and the steps that it took. */
function tried(source: string, text: string, limit = 1e9) {
  const pattern = Pattern.of(source, new Steps(1e9))
  pattern.test('', new Steps(1e9)) // what is made once is made
  const steps = new Steps(limit)
  return { fits: pattern.test(text, steps), taken: steps.taken }
}

const written = String.raw`a b . \d \w \S [ab] [^a] \b \B ^ $ é 🐲 \p{L} \u{1F432} \uD83D\uDC32 \- [] [^] \x61 \cA { ]`
const atoms = constantFrom(...written.split(' '))
const ends = constantFrom('', '*', '+', '?', '{2}', '{1,3}', '{2,}', '*?')
const groups = constantFrom('(?=', '(?!', '(?<=', '(?<!', '(?:', '(')

/** Patterns of so many levels. */
function patternsOf(depth: number): Arbitrary<string> {
  const atom = tuple(atoms, ends).map((parts) => parts.join(''))
  if (depth === 0) return atom
  const inner = patternsOf(depth - 1)
  const group = tuple(groups, inner, ends).map(([open, of, end]) => `${open}${of})${end}`)
  const choice = tuple(inner, inner, ends).map(([one, other, end]) => `(?:${one}|${other})${end}`)
  return array(oneof(atom, group, choice), { maxLength: 4 }).map((parts) => parts.join(''))
}
const patterns = patternsOf(3)
const texts = array(constantFrom('a', 'b', '1', ' ', '_', 'é', '🐲', '\n', '\ud83d', '{', ']'), {
  maxLength: 12,
}).map((parts) => parts.join(''))

/** What JavaScript says, unless it goes through so many ways that it does not come to an end. */
function ofJavaScript(whole: RegExp, text: string): boolean | undefined {
  try {
    return runInNewContext('whole.test(text)', { whole, text }, { timeout: 200 }) as boolean
  } catch (cause) {
    // an error of the new context, whose Error is another than ours
    if ((cause as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined
    throw cause
  }
}

test('a pattern says of every text what JavaScript says of it', () => {
  assert(
    property(patterns, texts, (source, text) => {
      let whole: RegExp
      try {
        whole = readPattern(source)
      } catch {
        return
      }
      const fits = ofJavaScript(whole, text)
      if (fits === undefined) return
      expect(tried(source, text).fits).toBe(fits)
      // the same in so many ways that JavaScript is not asked to try them
      expect(tried(`(?:${source})(?:|){40}`, text).fits).toBe(fits)
    }),
    { numRuns: amount({ share: 200, whole: 5_000 }), seed: freshSeed() },
  )
})

test.each([
  `^${'a*'.repeat(10)}$`,
  '^(a+)+$',
  '^(a|aa)+$',
  '(a*)*b',
  '^(?=(a+)+$)a',
  '(?<!(a|a)*b)$.',
  '(x+x+)+y',
])('%s takes twice the steps for twice the text', (source) => {
  const [one, two] = [10_000, 20_000].map((count) => tried(source, `${'a'.repeat(count)}!`).taken)
  expect((two ?? 0) / (one ?? 1)).toBeLessThan(2.1)
})

test('steps end a pattern that would take more of them, also while it is made', () => {
  expect(() => tried(`^${'a*'.repeat(10)}$`, `${'a'.repeat(10_000)}!`, 100_000)).toThrow(
    TooManySteps,
  )
  expect(() =>
    Pattern.of('a{40000}', new Steps(1e9)).test('a'.repeat(10_000), new Steps(50_000)),
  ).toThrow(TooManySteps)
})

test('what only JavaScript can try is tried where that may take long', () => {
  for (const [source, text] of [
    ['^(a*)\\1b$', 'aab'],
    ['^((a{1,200}){1,200}){1,200}$', 'aa'],
  ] as const) {
    const pattern = Pattern.of(source, new Steps(1e9))
    expect(() => pattern.test(text, new Steps(1e9))).toThrow(Uncountable)
    expect(pattern.test(text, new Steps(1e9, true))).toBe(true)
  }
})
