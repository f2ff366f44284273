import { expect, it } from 'vitest'
import { inColor, inOneLine } from '../../src/cli/visible.ts'
import { cutToWidth } from '../../src/cli/width.ts'

const RED = '\u001b[31m'
const PLAIN = '\u001b[0m'

it.each([
  ['short', 'short'],
  ['0123456789', '0123456789'],
  ['0123456789a', '0123456789'],
  ['█'.repeat(20), '█'.repeat(10)],
  ['表表表表表表', '表表表表表'],
  ['1表表表表表', '1表表表表'],
  ['12345678👩‍🔬', '12345678👩‍🔬'],
  ['123456789👩‍🔬', '123456789'],
  ['12345678❤️!', '12345678❤️'],
  ['e\u0301'.repeat(11), 'e\u0301'.repeat(10)],
  ['1\t2\t3', '1\t2'],
  ['', ''],
])('of %j ten columns hold %j', (line, held) => {
  expect(cutToWidth(inOneLine(line), 10)).toBe(held)
})

it('colors take no room, and end with the row', () => {
  const row = cutToWidth(inColor(`${RED}012345${PLAIN}6789a${RED}b`), 10)
  expect(row).toBe(`${RED}012345${PLAIN}6789${RED}${PLAIN}`)
})

it('a control character is cut as it is spelled', () => {
  expect(cutToWidth(inOneLine('12345678\u001b[A'), 10)).toBe(String.raw`12345678\x`)
})
