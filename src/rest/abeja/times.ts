import { wrong } from '../problem.ts'

/*
 * Times in queries: UTC unless they say otherwise, in whole seconds as the SDK writes them, or with a fraction. Both
 * ends are included, the last second as a whole.
 */

const FORM = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?$/i

/** The first moment. */
export const startTime = (text: string | undefined): string | null =>
  text === undefined ? null : read('start_time', text).toISOString()

/** The first moment that is not meant any more. */
export function endTime(text: string | undefined): string | null {
  if (text === undefined) return null
  const hasFraction = /\.\d/.test(text)
  return new Date(read('end_time', text).getTime() + (hasFraction ? 1 : 1_000)).toISOString()
}

function read(name: string, text: string): Date {
  const [, , zone] = FORM.exec(text) ?? []
  const time = new Date(
    FORM.test(text) ? `${text.replace(' ', 'T')}${zone ? '' : 'Z'}` : Number.NaN,
  )
  if (Number.isNaN(time.getTime()))
    throw wrong(name, 'Write a time like 2018-06-05T13:07:49, in UTC.')
  return time
}

/** `2018-06-05T13:07:49.602076Z` as people and organizations have it, in whole seconds. */
export const wholeSeconds = (time: string): string => time.replace(/\.\d+Z$/, 'Z')
