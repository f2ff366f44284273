import { addressConflict, readAddresses, type AnnotationInput } from '../addresses/index.ts'
import { allow, found, isWorkerAnywhere } from '../auth/viewer.ts'
import { actor, type Context } from '../context.ts'
import type { Service } from '../generated/prisma/client.ts'
import { Forbidden, ValidationError, type Issue } from '../kit/errors.ts'
import { projects } from '../projects/index.ts'
import { jsonText, type JsonText } from '../kit/json/json.ts'
import { functionsOf, issuesBy, permit, serviceNamed, serviceOfWorker } from '../services/index.ts'
import {
  beginLanes,
  dropValue,
  insertJobs,
  jobIdFor,
  jobNaming,
  keepValue,
  parametersKey,
  type JobRow,
  type NewJob,
} from '../job-engine/index.ts'

/** A job that is asked for. */
export interface SubmitInput {
  readonly serviceId: string
  readonly function?: string | null | undefined
  readonly parameters?: JsonText | null | undefined
  readonly priority?: number | null | undefined
  readonly lane?: string | null | undefined
  readonly runAfter?: Date | null | undefined
  readonly maxAttempts?: number | null | undefined
  readonly timeoutSeconds?: number | null | undefined
  readonly retainSeconds?: number | null | undefined
  readonly labels?: readonly { readonly name: string; readonly value: string }[] | null | undefined
  readonly projectId?: string | null | undefined
  readonly waitSeconds?: number | null | undefined
  readonly addresses?: readonly string[] | null | undefined
  readonly annotations?: readonly AnnotationInput[] | null | undefined
}

/**
 * Puts jobs into the queues of their services, all or none. What is wrong with any of them is answered together;
 * `at` says where in the input a job is.
 */
export async function submitJobs(
  ctx: Context,
  inputs: readonly SubmitInput[],
  at: (place: number) => readonly string[],
): Promise<JobRow[]> {
  const services = new Map<string, Promise<Service>>()
  const serviceOf = async (id: string): Promise<Service> => {
    const before = services.get(id)
    if (before !== undefined) return before
    const finding = openService(ctx, id)
    services.set(id, finding)
    return finding
  }
  const issues: Issue[] = []
  const jobs: NewJob[] = []
  for (const [place, input] of inputs.entries()) {
    const service = await serviceOf(input.serviceId)
    const id = jobIdFor(ctx.call, place)
    const job = await newJob(ctx, service, id, input).catch((cause: unknown) => {
      if (!(cause instanceof ValidationError)) throw cause
      issues.push(...cause.issues.map((one) => ({ ...one, path: [...at(place), ...one.path] })))
    })
    if (job) jobs.push(job)
  }
  issues.push(...namedTwice(jobs, at))
  if (issues.length > 0) throw new ValidationError(issues)
  const all = await Promise.all(services.values())
  const laned = all.filter(
    ({ id, hasLanes }) =>
      !hasLanes && jobs.some(({ serviceId, lane }) => serviceId === id && lane !== null),
  )
  if (laned.length > 0)
    await beginLanes(
      ctx.database,
      laned.map(({ id }) => id),
    )
  return putJobs(ctx, jobs)
}

/** Addresses that two jobs of one call are to have; what others have is found when they are written. */
function namedTwice(jobs: readonly NewJob[], at: (place: number) => readonly string[]): Issue[] {
  const seen = new Set<string>()
  return jobs.flatMap(({ organizationId, addresses = [] }, place) =>
    addresses.flatMap(({ front, text }, nth) => {
      const key = `${organizationId} ${front} ${text}`
      const isNew = !seen.has(key)
      seen.add(key)
      const path = [...at(place), 'addresses', String(nth)]
      return isNew ? [] : [{ path, message: 'Another of these jobs has this address.' }]
    }),
  )
}

/**
 * Stores jobs, the large values first. Where a value cannot be kept, or an address is taken (Conflict), nothing is
 * left behind; where the statement fails otherwise the values stay, because whether it was done is not known.
 */
export async function putJobs(ctx: Context, jobs: readonly NewJob[]): Promise<JobRow[]> {
  const kept: NewJob[] = []
  try {
    for (const job of jobs) {
      const { text, key } = await keepValue(ctx, parametersKey(job.id), job.parameters ?? 'null')
      kept.push({ ...job, parameters: text, parametersKey: key })
    }
  } catch (cause) {
    await dropValues(ctx, kept)
    throw cause
  }
  const rows = await insertJobs(ctx, actor(ctx), kept).catch(async (cause: unknown) => {
    const conflict = await addressConflict(ctx, jobNaming, cause, kept)
    if (conflict === undefined) throw cause
    await dropValues(ctx, kept)
    throw conflict
  })
  // a call that had been done before has its jobs, with the values of then
  const held = new Set(rows.map((row) => row.parametersKey))
  for (const { parametersKey: key } of kept) if (!held.has(key)) await dropValue(ctx, key)
  // what was written need not be read again
  const byId = new Map(kept.map((job) => [job.id, job]))
  return rows.map((row) => ({
    ...row,
    parameters: byId.get(row.id)?.parameters ?? null,
    storedAddresses: Object.fromEntries(
      (byId.get(row.id)?.addresses ?? []).map(({ front, text }) => [front, text]),
    ),
  }))
}

async function dropValues(ctx: Context, jobs: readonly NewJob[]): Promise<void> {
  for (const { parametersKey: key } of jobs) await dropValue(ctx, key)
}

/** Whether somebody waits who says that he waits for so long: the job then goes before others of its priority. */
export const isWait = (waitSeconds: number | null | undefined): boolean => (waitSeconds ?? 0) > 0

async function openService(ctx: Context, id: string): Promise<Service> {
  const named = await serviceNamed(ctx, id)
  if (named === null && (await isClaimedFrom(ctx, id))) throw new Forbidden('DEVELOPER')
  const service = found(named, 'service', id)
  permit(ctx.viewer, 'SUBMIT_JOB', service)
  return service
}

/** Whether the viewer is a WORKER who may claim jobs of it: a queue that it may know of. */
async function isClaimedFrom(ctx: Context, id: string): Promise<boolean> {
  if (!isWorkerAnywhere(ctx.viewer)) return false
  const service = await serviceOfWorker(ctx, id)
  return service !== null && service.kind === 'QUEUE' && !service.isBuiltIn
}

/** What calls a process: its only function. */
const DEFAULT = 'default'

const NAMED = 10

/** The functions that a service has, as the end of a message. */
function has(names: readonly string[]): string {
  if (names.length === 0) return ''
  const some = names.slice(0, NAMED).map((name) => JSON.stringify(name))
  if (names.length > NAMED) some.push('others')
  const last = some.pop()!
  return ` It has ${some.length === 0 ? last : `${some.join(', ')} and ${last}`}.`
}

/**
 * A job with all that its call needs; throws ValidationError with the violations of its schema, and Unavailable when too
 * many checks wait.
 */
async function newJob(
  ctx: Context,
  service: Service,
  id: string,
  input: SubmitInput,
): Promise<NewJob> {
  const functions = functionsOf(service)
  const name = input.function ?? functions[0]?.name ?? DEFAULT
  const one = functions.find((each) => each.name === name)
  if (service.kind === 'QUEUE' ? one === undefined : name !== DEFAULT)
    throw new ValidationError([
      {
        path: ['function'],
        message: `The service has no function ${JSON.stringify(name)}.${has(service.kind === 'QUEUE' ? functions.map((each) => each.name) : [DEFAULT])}`,
        rule: 'enum',
      },
    ])
  const text = jsonText(input.parameters)
  if (one?.parametersSchemaId != null) {
    const issues = await issuesBy(ctx, one.parametersSchemaId, text)
    if (issues.length > 0)
      throw new ValidationError(
        issues.map((issue) => ({ ...issue, path: ['parameters', ...issue.path] })),
      )
  }
  const { organizationId } = service
  allow(ctx.viewer, 'DEVELOPER', organizationId)
  const { projectId } = input
  const project =
    projectId == null
      ? undefined
      : found(await projects.named(ctx, projectId, [organizationId]), 'project', projectId)
  return {
    id,
    organizationId,
    serviceId: service.id,
    projectId: project?.id,
    function: name,
    parameters: text,
    parametersKey: null,
    resultSchemaId: one?.resultSchemaId ?? null,
    priority: input.priority ?? 0,
    isAwaited: isWait(input.waitSeconds),
    lane: input.lane ?? null,
    runAfter: input.runAfter ?? null,
    maxAttempts: input.maxAttempts ?? 1,
    timeoutSeconds: input.timeoutSeconds ?? null,
    retainSeconds: input.retainSeconds ?? null,
    labels: (input.labels ?? []).map(({ name: label, value }) => ({ name: label, value })),
    addresses: readAddresses(input.addresses),
    annotations: input.annotations,
  }
}
