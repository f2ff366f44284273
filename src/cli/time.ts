import { InvalidArgumentError } from 'commander'

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const

function durationMs(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,9})([smhdw])$/.exec(text) ?? []
  const seconds = Object.entries(UNITS).find(([name]) => name === unit)?.[1]
  return amount === undefined || seconds === undefined ? undefined : Number(amount) * seconds * 1000
}

/** A moment that is so long before (-1) or after (1) now, or a time as it is written. */
const readTime =
  (direction: 1 | -1) =>
  (text: string): string => {
    const ms = durationMs(text)
    const time = ms === undefined ? new Date(text) : new Date(Date.now() + direction * ms)
    if (Number.isNaN(time.getTime()))
      throw new InvalidArgumentError(
        'Give a duration like 10m or 2h, or a time like 2030-01-31T12:00Z.',
      )
    return time.toISOString()
  }

/** The moment that lies as long ago as `10m` says, or a time. */
export const readSince = readTime(-1)

/** The moment that comes in as long as `10m` says, or a time. */
export const readMoment = readTime(1)

/** The moment that comes in as long as `30d` says. */
export function readExpiry(text: string): string {
  const ms = durationMs(text)
  const time = new Date(Date.now() + (ms ?? Number.NaN))
  if (Number.isNaN(time.getTime()))
    throw new InvalidArgumentError('Give a duration like 12h or 30d.')
  return time.toISOString()
}

/** A time as people read it: the API's, to the millisecond. */
export const shortTime = (at: string): string => at.replace(/(\.\d{3})\d*Z$/, '$1Z')
