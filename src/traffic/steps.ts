import { BadRequest } from '../kit/errors.ts'

const MINUTE_MS = 60_000
/** Most steps that one field answers. */
export const MAX_STEPS = 1_500

/** A range of time in steps of one length. */
export interface TimeSteps {
  readonly fromMs: number
  readonly toMs: number
  readonly stepMs: number
  readonly count: number
}

/**
 * The steps of a range. Calls are counted by the minute, so it begins with the minute that `from` falls into; without
 * `to` it goes up to now. Throws BadRequest for steps that are not whole minutes, and for more than MAX_STEPS.
 */
export function stepsOf(
  at: { readonly from: Date; readonly to?: Date | null },
  stepSeconds: number,
  now: Date,
): TimeSteps {
  const stepMs = stepSeconds * 1_000
  if (stepMs < MINUTE_MS || stepMs % MINUTE_MS !== 0)
    throw new BadRequest('`stepSeconds` must be a multiple of 60: calls are counted by the minute.')
  const fromMs = Math.floor(at.from.getTime() / MINUTE_MS) * MINUTE_MS
  const toMs = (at.to ?? now).getTime()
  if (toMs < at.from.getTime()) throw new BadRequest('`at` ends before it begins.')
  const count = Math.ceil((toMs - fromMs) / stepMs)
  if (count > MAX_STEPS)
    throw new BadRequest(
      `Ask for at most ${MAX_STEPS} steps at once, not ${count}: take a shorter range or longer steps.`,
    )
  return { fromMs, toMs, stepMs, count }
}
