import { fastFormats, fullFormats, type FormatName } from 'ajv-formats/dist/formats.js'
import { costOf, Pattern } from '../pattern/pattern.ts'
import type { Steps } from '../pattern/steps.ts'
import type { Rule } from './check.ts'

type Test = (value: unknown, steps: Steps) => boolean

const known = new Map<string, Test | undefined>()

/** The rule of a format that is known; any other says nothing. */
export function formatRule(name: string): Rule | undefined {
  if (!Object.hasOwn(fastFormats, name)) return undefined
  if (!known.has(name)) known.set(name, testOf(name as FormatName)) // it is a name of one of them
  const test = known.get(name)
  const words =
    name === 'regex' ? 'is not a valid regular expression' : `must match format "${name}"`
  return test && ((value, check) => test(value, check.steps) || check.fail('format', words))
}

/** Those whose fast test, an expression, takes a day that the calendar does not have, and hour 29. */
const TIMES: ReadonlySet<string> = new Set([
  'date',
  'time',
  'date-time',
  'iso-time',
  'iso-date-time',
])

/** What a format asks of a value; nothing of one that it does not speak of. */
function testOf(name: FormatName): Test | undefined {
  const fast = testIn(fastFormats, name)
  if (!TIMES.has(name)) return fast
  const full = testIn(fullFormats, name)
  return (value, steps) => (fast?.(value, steps) ?? true) && (full?.(value, steps) ?? true)
}

function testIn(formats: typeof fastFormats, name: FormatName): Test | undefined {
  const format = formats[name]
  const test = typeof format === 'object' && 'validate' in format ? format.validate : format
  if (test instanceof RegExp) {
    const pattern = new Pattern(test)
    return (value, steps) => typeof value !== 'string' || pattern.test(value, steps)
  }
  if (typeof test !== 'function') return undefined
  const type = typeof format === 'object' && 'type' in format ? format.type : 'string'
  return (value, steps) => {
    // each goes through a text once
    if (typeof value === 'string')
      steps.take(name === 'regex' ? costOf(value) : 10 + 2 * value.length)
    return typeof value !== type || (test as (of: unknown) => boolean)(value)
  }
}
