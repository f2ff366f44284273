import { z } from 'zod'
import { jsonRule } from '../kit/json/rule.ts'
import { isStorable, isVisible, MAX_SOUGHT, NOT_VISIBLE, textRule } from '../kit/names.ts'
import { functionNameRule } from '../services/index.ts'
import { MAX_CLAIM, MAX_LEASE_SECONDS, MAX_WAIT_SECONDS } from '../job-engine/index.ts'

/** Jobs that one submitJobs may bring, and beats and lines of one call. */
export const MAX_JOBS = 1_000
export const MAX_BEATS = 1_000
export const MAX_LINES = 10_000
/** Results of one completeJobs. */
export const MAX_COMPLETIONS = MAX_CLAIM
/** Longest that submitJob waits. */
export const MAX_SUBMIT_WAIT = 30
const MAX_LINE = 250_000
const MAX_SECONDS = 10 * 365 * 24 * 3_600

const from = (low: number, high: number) =>
  z.int('A whole number.').min(low, `At least ${low}.`).max(high, `At most ${high}.`)

/** A short text of the caller's, such as a lane or the name of a worker. */
const word = (max: number) =>
  z
    .string()
    .min(1, 'This must not be empty.')
    .max(max, `At most ${max} characters.`)
    .refine(isVisible, NOT_VISIBLE)

const labelRule = z.object({
  name: word(100),
  value: z.string().max(1_000, 'At most 1000 characters.').refine(isVisible, NOT_VISIBLE),
})

const jobRule = z.object({
  function: functionNameRule.nullish(),
  parameters: jsonRule,
  priority: from(-32_768, 32_767).nullish(),
  lane: word(200).nullish(),
  maxAttempts: from(1, 1_000).nullish(),
  timeoutSeconds: from(1, MAX_SECONDS).nullish(),
  retainSeconds: from(0, MAX_SECONDS).nullish(),
  labels: z.array(labelRule).max(50, 'At most 50 labels.').nullish(),
})

export const waitRule = z.object({ waitSeconds: from(0, MAX_SUBMIT_WAIT).nullish() })
export const submitRule = jobRule.extend(waitRule.shape)

export const submitManyRule = z.object({
  jobs: z.array(jobRule).min(1, 'At least one job.').max(MAX_JOBS, `At most ${MAX_JOBS} jobs.`),
})

const workerRule = word(200)

export const claimRule = z.object({
  serviceIds: z.array(z.string()).min(1, 'At least one.').max(100, 'At most 100.'),
  worker: workerRule,
  claimId: word(200),
  version: word(200).nullish(),
  concurrency: from(1, 1_000_000).nullish(),
  max: from(1, MAX_CLAIM).nullish(),
  leaseSeconds: from(1, MAX_LEASE_SECONDS).nullish(),
  waitSeconds: from(0, MAX_WAIT_SECONDS).nullish(),
})

const beatRule = z.object({
  fence: word(100),
  fraction: z.number().min(0, 'From 0 to 1.').max(1, 'From 0 to 1.').nullish(),
  message: textRule.nullish(),
})

const many = <Rule extends z.ZodType>(rule: Rule) =>
  z.array(rule).max(MAX_BEATS, `At most ${MAX_BEATS}.`)
export const heartbeatRule = z.object({ worker: workerRule, jobs: many(beatRule) })
export const releaseRule = z.object({ jobs: many(z.object({ fence: word(100) })) })

export const completeRule = z.object({ fence: word(100), result: jsonRule })
export const completeManyRule = z.object({
  jobs: z
    .array(completeRule)
    .min(1, 'At least one job.')
    .max(MAX_COMPLETIONS, `At most ${MAX_COMPLETIONS} jobs.`),
})
export const failRule = z.object({ fence: word(100), message: textRule, detail: jsonRule })

export const logRule = z
  .object({
    fence: word(100),
    firstLine: z.number().min(1, 'Lines count from 1.'),
    lines: z
      .array(z.string().max(MAX_LINE, `A line has at most ${MAX_LINE} characters.`))
      .max(MAX_LINES, `At most ${MAX_LINES} lines.`),
    unfinished: z.array(z.number()).max(MAX_LINES, `At most ${MAX_LINES} places.`).nullish(),
  })
  .superRefine(({ lines, unfinished }, context) => {
    const seen = new Set<number>()
    for (const [at, place] of (unfinished ?? []).entries()) {
      const path = ['unfinished', at]
      if (place < 0 || place >= lines.length)
        context.addIssue({ code: 'custom', path, message: `There is no line at place ${place}.` })
      else if (seen.has(place))
        context.addIssue({ code: 'custom', path, message: `Place ${place} is named twice.` })
      seen.add(place)
    }
  })

export const cancelRule = z.object({ reason: textRule.nullish() })
/** A text that is looked for. */
const soughtRule = z
  .string()
  .refine(isStorable, 'This must not contain NUL or half a surrogate pair.')
/** Entries of each list of a filter. */
export const MAX_LISTED = 100

const listedRule = <Entry extends z.ZodType>(entry: Entry) =>
  z.array(entry).max(MAX_LISTED, `At most ${MAX_LISTED} entries.`).nullish()
const soughtTextRule = soughtRule.max(MAX_SOUGHT, `At most ${MAX_SOUGHT} characters.`).nullish()
const soughtLabelRule = z.object({ name: soughtRule, value: soughtRule })

export const filterRule = z.object({
  ids: listedRule(z.string()),
  rootIds: listedRule(z.string()),
  serviceIds: listedRule(z.string()),
  functions: listedRule(soughtRule),
  statuses: listedRule(z.string()),
  workers: listedRule(soughtRule),
  lanes: listedRule(soughtRule),
  labels: listedRule(soughtLabelRule),
  allLabels: listedRule(soughtLabelRule),
  fronts: listedRule(z.string()),
  text: soughtTextRule,
  errorText: soughtTextRule,
})
export const retryManyRule = waitRule.extend({ filter: filterRule })
export const cancelManyRule = cancelRule.extend(retryManyRule.shape)
export const amendRule = z.object({ result: jsonRule, reason: textRule.nullish() })
