import { Prisma, type Service } from '../../generated/prisma/client.ts'
import { ValidationError, type Issue } from '../../kit/errors.ts'
import type { FieldChange } from '../../streams/index.ts'

/** How many processes a service has, and who decides. */
export interface Scale {
  /** How many are wanted: by hand, or by the last decision of autoscale. */
  readonly desired: number
  readonly min: number
  readonly max: number
  readonly autoscale: boolean
  /** Requests in flight per process that autoscale aims at. */
  readonly targetInFlight: number
}

/** What of it is to change: what is absent stays, null goes back to what it is when nothing is said. */
export type ScaleInput = { readonly [Key in keyof Scale]?: Scale[Key] | null | undefined }

/** Most processes one service may have (contract abeja 4.4.1). */
export const MAX_INSTANCES = 300
export const TARGET_IN_FLIGHT = 4
export const MAX_TARGET_IN_FLIGHT = 10_000

/** The columns of a service that it is made of. */
export const scaleColumnNames = [
  'desiredInstances',
  'minInstances',
  'maxInstances',
  'autoscale',
  'targetInFlight',
] as const

export const scaleOf = (service: Pick<Service, (typeof scaleColumnNames)[number]>): Scale => ({
  desired: service.desiredInstances,
  min: service.minInstances,
  max: service.maxInstances,
  autoscale: service.autoscale,
  targetInFlight: service.targetInFlight,
})

/** How many processes must have passed their check for a service to be READY. */
export const neededForReady = ({ autoscale, min, desired }: Scale): number =>
  autoscale ? min : desired

/** Whether it may be without any process until somebody calls. */
export const maySleep = (row: Pick<Service, 'autoscale' | 'minInstances'>): boolean =>
  row.autoscale && row.minInstances === 0

export const within = (count: number, { min, max }: Pick<Scale, 'min' | 'max'>): number =>
  Math.min(Math.max(count, min), max)

/**
 * The scale after a change of `old`, or that of a new service. A number given alone moves the bound it crosses
 * (contract abeja 4.4.3); one given with a bound must fit. A number that is not given follows the bounds: under
 * autoscale it is nobody's wish. Throws ValidationError, whose paths begin with `path`.
 */
export function scaledBy(
  old: Scale | undefined,
  given: ScaleInput | null | undefined,
  path: readonly string[],
): Scale {
  // of null nothing is left but what a new service has
  const input = given ?? {}
  const before = given === null ? undefined : old
  const autoscale = or(input.autoscale, before?.autoscale) ?? false
  const targetInFlight = or(input.targetInFlight, before?.targetInFlight) ?? TARGET_IN_FLIGHT
  const wish = input.desired ?? undefined
  const isAlone = wish !== undefined && input.min == null && input.max == null
  const bounds = { min: or(input.min, before?.min), max: or(input.max, before?.max) }
  if (isAlone && bounds.min !== undefined) bounds.min = Math.min(bounds.min, wish)
  if (isAlone && bounds.max !== undefined) bounds.max = Math.max(bounds.max, wish)
  const min = bounds.min ?? Math.min(1, wish ?? 1, bounds.max ?? 1)
  const max = bounds.max ?? Math.max(1, wish ?? 1, min)
  const desired =
    wish ??
    within(or(input.desired, before?.desired) ?? 1, {
      min: autoscale ? min : Math.max(min, 1),
      max,
    })
  const scale = { desired, min, max, autoscale, targetInFlight }
  const issues = issuesOf(scale, input, path)
  if (issues.length > 0) throw new ValidationError(issues)
  return scale
}

/** What was given, what stays, or undefined where neither is said. */
const or = <Value>(given: Value | null | undefined, kept: Value | undefined): Value | undefined =>
  given === undefined ? kept : (given ?? undefined)

function issuesOf(
  { desired, min, max, autoscale }: Scale,
  input: ScaleInput,
  path: readonly string[],
): Issue[] {
  const issue = (field: keyof Scale, message: string): Issue[] => [
    { path: [...path, field], message, rule: 'range' },
  ]
  if (min > max)
    return input.min == null
      ? issue('max', `Less than min, which is ${min}.`)
      : issue('min', `More than max, which is ${max}.`)
  if (desired < min) return issue('desired', `Less than min, which is ${min}.`)
  if (desired > max) return issue('desired', `More than max, which is ${max}.`)
  if (desired === 0 && !autoscale) return issue('desired', 'At least 1 without autoscale.')
  return []
}

/** What becomes of each number, as events tell it. */
export const scaleChanges = (from: Scale, to: Scale): FieldChange[] =>
  (Object.keys(to) as (keyof Scale)[]) // its own keys
    .filter((field) => from[field] !== to[field])
    .map((field) => ({ field, from: from[field], to: to[field] }))

/** The columns that hold it, for a SET. */
export const scaleColumns = (to: Scale): Prisma.Sql => Prisma.sql`
  , "desiredInstances" = ${to.desired}::int, "minInstances" = ${to.min}::int, "maxInstances" = ${to.max}::int,
  autoscale = ${to.autoscale}::boolean, "targetInFlight" = ${to.targetInFlight}::int`
