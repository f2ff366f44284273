import { expect, test } from 'vitest'
import { shownLines, type LogLineState } from '../../src/client/index.ts'

interface Line extends LogLineState {
  readonly text: string
}

/** Lines of one printer; those that end in … are not finished. */
const lines = (texts: readonly string[], more: Partial<Line> = {}, from = 1): Line[] =>
  texts.map((text, at) => ({
    number: from + at,
    source: 'STDOUT',
    text,
    isUnfinished: text.endsWith('…'),
    ...more,
  }))
const textsOf = (shown: readonly Line[]): string[] => shown.map(({ text }) => text)

test('the next line takes the place of one that is not finished', () => {
  expect(textsOf(shownLines(lines(['a', '1 %…', '2 %…', 'done', 'b', '?…'])))).toEqual([
    'a',
    'done',
    'b',
    '?…',
  ])
})

test.each([
  ['source', { source: 'STDERR' }],
  ['instance', { instance: 1 }],
  ['attempt', { attempt: 2 }],
])('a line of another %s does not', (_what, other) => {
  const all = [...lines(['1 %…']), ...lines(['x', '50 %…'], other, 2), ...lines(['2 %…'], {}, 4)]
  expect(textsOf(shownLines(all))).toEqual(['x', '50 %…', '2 %…'])
})

test('all pieces of a line that is not finished are shown, until the next one comes', () => {
  const pieces = [...lines(['one piece…']), ...lines(['and another…'])]
  expect(shownLines(pieces)).toEqual(pieces)
  expect(textsOf(shownLines([...pieces, ...lines(['done'], {}, 2)]))).toEqual(['done'])
})

test('line by line the same lines are shown as all at once', () => {
  const all = [
    ...lines(['1…', '2…', 'x', '3…']),
    ...lines(['y…', 'z', 'a…'], { source: 'STDERR' }, 5),
    ...lines(['4', '5…'], {}, 8),
  ]
  let shown: Line[] = []
  for (const line of all) shown = shownLines([...shown, line])
  expect(shown).toEqual(shownLines(all))
})
