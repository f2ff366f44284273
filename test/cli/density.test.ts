import { expect, it } from 'vitest'
import { Density } from '../../src/cli/density.ts'

function reportOf(numbers: readonly number[], before?: number, end?: number): string {
  const density = new Density(before)
  for (const number of numbers) density.add(number)
  if (end !== undefined) density.end(end)
  return density.report
}

it.each([
  [[1, 2, 3], 0, undefined, 'verified: lines 1 to 3 complete'],
  [[7, 8], undefined, undefined, 'verified: lines 7 to 8 complete'],
  [[], 0, undefined, 'verified: the log has no lines'],
  [[1, 2], 0, 2, 'verified: lines 1 to 2 complete'],
  [[], undefined, 5, 'verified: the log has no lines'],
  [[3, 4], 0, undefined, 'not complete: lines 1 to 2 are missing'],
  [[1, 2, 4, 9], 0, undefined, 'not complete: line 3 is missing; lines 5 to 8 are missing'],
  [[1, 2, 2], 0, undefined, 'not complete: line 2 came after line 2'],
  [[1, 2], 0, 5, 'not complete: lines 3 to 5 are missing'],
])('%j from %s to the end %s: %s', (numbers, before, end, report) => {
  expect(reportOf(numbers, before, end)).toBe(report)
})
