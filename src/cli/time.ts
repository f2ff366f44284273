import { InvalidArgumentError } from 'commander'
import { isWritable, readTime } from '../kit/time.ts'

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const

function durationMs(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,9})([smhdw])$/.exec(text) ?? []
  const seconds = Object.entries(UNITS).find(([name]) => name === unit)?.[1]
  return amount === undefined || seconds === undefined ? undefined : Number(amount) * seconds * 1000
}

/** A moment that is so long before (-1) or after (1) now, or a time as it is written. */
const readWhen =
  (direction: 1 | -1) =>
  (text: string): string => {
    const ms = durationMs(text)
    const time = ms === undefined ? timeOf(text) : new Date(Date.now() + direction * ms)
    if (time === undefined || !isWritable(time))
      throw new InvalidArgumentError(
        'Enter a duration such as 10m or 2h, or a time such as 2030-01-31T12:00Z.',
      )
    return time.toISOString()
  }

const FORM = /^(\S{10})(?:[T ](\d\d:\d\d)(:\S*?)?(Z|[+-]\d\d:?\d\d)?)?$/i

/** A time that may be without seconds and zone, which is then the zone of this machine; a day alone begins in UTC. */
function timeOf(text: string): Date | undefined {
  const [, day, minute, seconds = ':00', zone] = FORM.exec(text) ?? []
  const isLocal = minute !== undefined && zone === undefined
  const written = `${day}T${minute ?? '00:00'}${seconds}`
  const time = readTime(written + (zone ?? 'Z').replace(/^(...)(\d\d)$/, '$1:$2'))
  return time && isLocal ? new Date(time.getTime() + time.getTimezoneOffset() * 60_000) : time
}

/** The moment that lies as long ago as `10m` says, or a time. */
export const readSince = readWhen(-1)

/** The moment that comes in as long as `10m` says, or a time. */
export const readMoment = readWhen(1)

/** The moment that comes in as long as `30d` says. */
export function readExpiry(text: string): string {
  const ms = durationMs(text)
  const time = new Date(Date.now() + (ms ?? Number.NaN))
  if (!isWritable(time)) throw new InvalidArgumentError('Enter a duration such as 12h or 30d.')
  return time.toISOString()
}

/** A time as people read it: the API's, to the millisecond. */
export const shortTime = (at: string): string => at.replace(/(\.\d{3})\d*Z$/, '$1Z')
