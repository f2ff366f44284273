import { isWritable, readTime } from '../../kit/time.ts'
import { wrong } from '../problem.ts'

/*
 * Times in queries: UTC unless they say otherwise, in whole seconds as the SDK writes them, or with a fraction. Both
 * ends are included, the last second as a whole.
 */

const FORM = /^(\S{10})[T ](\S*?)(Z|[+-]\d\d:?\d\d)?$/i

/** The first moment. */
export const startTime = (text: string | undefined): string | null =>
  text === undefined ? null : read('start_time', text).toISOString()

/** The first moment that is not meant any more; null where there is none after it. */
export function endTime(text: string | undefined): string | null {
  if (text === undefined) return null
  const hasFraction = /\.\d/.test(text)
  const end = new Date(read('end_time', text).getTime() + (hasFraction ? 1 : 1_000))
  return isWritable(end) ? end.toISOString() : null
}

function read(name: string, text: string): Date {
  const [, day, time, zone = 'Z'] = FORM.exec(text) ?? []
  const found = readTime(`${day}T${time}${zone.replace(/^(...)(\d\d)$/, '$1:$2')}`)
  if (found === undefined) throw wrong(name, 'Write a time like 2018-06-05T13:07:49, in UTC.')
  return found
}

/** `2018-06-05T13:07:49.602076Z` as people and organizations have it, in whole seconds. */
export const wholeSeconds = (time: string): string => time.replace(/\.\d+Z$/, 'Z')
