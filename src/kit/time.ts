/** The clock comes in from outside, so that tests can hold it. */
export type Clock = () => Date

/** RFC 3339 in UTC with microseconds; ours are kept to the millisecond, so the last three are zero. */
export const writeTime = (time: Date): string => time.toISOString().replace('Z', '000Z')

const FORM =
  /^(\d{4}-\d\d-\d\d)T((?:[01]\d|2[0-3]):[0-5]\d):([0-5]\d|60)(\.\d+)?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i

/** Years have four digits, as RFC 3339 wants them, and there is no year 0 in PostgreSQL's calendar. */
const FIRST = Date.parse('0001-01-01T00:00:00Z')
const LAST = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * A time as RFC 3339 writes it, to the millisecond; undefined for any other text, and for days that the calendar does
 * not have. A leap second is taken for the first moment after it, as clocks that count none show it.
 */
export function readTime(text: string): Date | undefined {
  const [, day, minute, second, fraction = '', zone = ''] = FORM.exec(text) ?? []
  if (day === undefined || !isDay(day)) return undefined
  const isLeap = second === '60'
  const ms = Date.parse(`${day}T${minute}:${isLeap ? 59 : second}${fraction}${zone.toUpperCase()}`)
  const time = new Date(isLeap ? Math.floor(ms / 1_000 + 1) * 1_000 : ms)
  return isWritable(time) && (!isLeap || endsHalfYear(time)) ? time : undefined
}

/** Whether the calendar has the day: `Date` takes 31 February for 3 March. */
function isDay(day: string): boolean {
  const time = new Date(`${day}T00:00:00Z`)
  return isWritable(time) && time.toISOString().startsWith(day)
}

/** Whether it is a time, and one that can be written and kept. */
export const isWritable = (time: Date): boolean => time.getTime() >= FIRST && time.getTime() <= LAST

/** Leap seconds stand before 1 January and 1 July, 00:00 UTC. */
const endsHalfYear = (time: Date): boolean => /-0[17]-01T00:00:00/.test(time.toISOString())
