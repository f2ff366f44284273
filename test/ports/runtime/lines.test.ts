import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { takeLines } from '../../../src/ports/runtime/shared/lines.ts'
import { MAX_LINE_BYTES, type OutputLine } from '../../../src/ports/runtime/runtime.ts'
import { amount, freshSeed } from '../../../testkit/random.ts'

/** The lines of these bytes when they come in pieces of `size`. */
function linesOf(bytes: Buffer | string, size = Number.POSITIVE_INFINITY): string[] {
  const all = Buffer.from(bytes)
  const lines: OutputLine[] = []
  let unread = Buffer.alloc(0)
  for (let at = 0; at < all.length; at += size) {
    unread = Buffer.concat([unread, all.subarray(at, at + size)])
    for (let taken = -1; taken !== 0; unread = unread.subarray(taken))
      taken = takeLines(unread, false, { lines: 500, bytes: 2 ** 20 }, 'STDOUT', lines)
  }
  for (let taken = -1; taken !== 0; unread = unread.subarray(taken))
    taken = takeLines(unread, true, { lines: 500, bytes: 2 ** 20 }, 'STDOUT', lines)
  return lines.map(({ text }) => text)
}

describe('lines of output', () => {
  test('end with a line feed, with or without a carriage return, or with the output', () => {
    expect(linesOf('a\nb\r\n\n\r\nprogress 1%\rprogress 2%\nlast')).toEqual([
      'a',
      'b',
      '',
      '',
      'progress 2%',
      'last',
    ])
  })

  test('show bytes that are no UTF-8, and NUL', () => {
    const bytes = Buffer.from('one \xe4\nbad \xff\xc3 end\n\0zero\nfine\n', 'latin1')
    expect(linesOf(bytes)).toEqual(['one \\xe4', 'bad \\xff\\xc3 end', '\\x00zero', 'fine'])
    expect(linesOf(Buffer.concat([Buffer.from('größe €😀 '), Buffer.from([0xf0, 0x9f])]))).toEqual([
      'größe €😀 \\xf0\\x9f',
    ])
  })

  // 250 kB (contract abeja 4.3)
  test('that are too long are split between characters, and nothing is dropped', () => {
    const whole = 'x'.repeat(MAX_LINE_BYTES)
    expect(linesOf(`${whole}\r\n`)).toEqual([whole])
    expect(linesOf(`${whole}y\n`)).toEqual([whole, 'y'])
    const wide = '€'.repeat(100_000)
    const parts = linesOf(`${wide}\n`)
    expect(parts.join('')).toBe(wide)
    expect(parts.map((part) => Buffer.byteLength(part))).toEqual([249_999, 50_001])
    const escapes = linesOf(Buffer.alloc(200_000))
    expect(escapes.join('')).toBe('\\x00'.repeat(200_000))
    for (const text of escapes) expect(text.length).toBeLessThanOrEqual(MAX_LINE_BYTES)
  })

  test('are the same however the bytes come in', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\n', '\r\n', '\r', '\0'),
      fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
    )
    const bytes = fc
      .array(piece)
      .map((pieces) => Buffer.concat(pieces.map((one) => Buffer.from(one))))
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 20 }), (all, size) => {
        expect(linesOf(all, size)).toEqual(linesOf(all))
      }),
      { seed: freshSeed(), numRuns: amount({ share: 100, whole: 10_000 }) },
    )
  })

  test('leave a batch when it is full', () => {
    const lines: OutputLine[] = []
    const bytes = Buffer.from('line\n'.repeat(1000))
    expect(takeLines(bytes, false, { lines: 500, bytes: 2 ** 20 }, 'STDERR', lines)).toBe(2500)
    expect(lines).toHaveLength(500)
    expect(lines[0]).toEqual({ source: 'STDERR', text: 'line' })
    const long = Buffer.from(`${'x'.repeat(200_000)}\n`.repeat(20))
    expect(takeLines(long, false, { lines: 500, bytes: 2 ** 20 }, 'STDERR', [])).toBeLessThan(
      2 ** 20,
    )
  })
})
