import { expect, test } from 'vitest'
import { errorCodes } from '../../src/kit/errors.ts'
import { outlookOf } from '../../src/kit/outlook.ts'

test('every code has its outlook, and what has no code of ours may pass', () => {
  const passing = errorCodes.filter((code) => outlookOf(code) === 'passes')
  expect(passing).toEqual(['UNAVAILABLE', 'TIMEOUT'])
  const unsure = errorCodes.filter((code) => outlookOf(code) === 'may pass')
  expect(unsure).toEqual(['QUOTA_REACHED', 'TOO_COMPLEX', 'INTERNAL'])
  for (const other of [undefined, null, 'ENOENT', 'toString', 1])
    expect(outlookOf(other)).toBe('may pass')
})
