import { afterEach, beforeEach, expect, it } from 'vitest'
import { readMoment, readSince } from '../../src/cli/time.ts'

const zone = process.env.TZ
beforeEach(() => {
  process.env.TZ = 'Asia/Kathmandu' // 5 hours and three quarters before UTC
})
afterEach(() => {
  if (zone === undefined) delete process.env.TZ
  else process.env.TZ = zone
})

it.each([
  ['2026-11-30', '2026-11-30T00:00:00.000Z'],
  ['2026-11-30T12:00Z', '2026-11-30T12:00:00.000Z'],
  ['2026-11-30T12:00:30.5z', '2026-11-30T12:00:30.500Z'],
  ['2026-11-30 12:00:30+01:00', '2026-11-30T11:00:30.000Z'],
  ['2026-11-30t12:00+0100', '2026-11-30T11:00:00.000Z'],
  // the clock on the wall
  ['2026-11-30T12:00', '2026-11-30T06:15:00.000Z'],
  ['2026-11-30 00:00:00.25', '2026-11-29T18:15:00.250Z'],
  ['2024-02-29T00:00', '2024-02-28T18:15:00.000Z'],
])('%s is %s', (written, meant) => {
  expect(readSince(written)).toBe(meant)
  expect(readMoment(written)).toBe(meant)
})

it.each([
  '2026-02-31',
  '2026-02-31T12:00',
  '2026-02-29T12:00:00Z',
  '2026-11-30T24:00',
  '2026-11-30T12:60',
  '2026-11-30T12',
  '2026-11-30T12:00:',
  '2026-11-30T12:00+24:00',
  '2026-11-30Z',
  '2026-11',
  '2026',
  '1',
  '30 Nov 2026',
  '11/30/2026',
  '',
])('%j is no time', (text) => {
  expect(() => readSince(text)).toThrow('Enter a duration such as 10m or 2h, or a time such as')
})
