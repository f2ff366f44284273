import { hasWord } from '../addresses/index.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { jobNaming, type JobStatus } from '../job-engine/index.ts'
import type { FrontName } from '../rest/fronts.ts'

interface TimeRange {
  readonly from: Date
  readonly to?: Date | null
}

interface Label {
  readonly name: string
  readonly value: string
}

type Any<T> = readonly T[] | null | undefined

/** Criteria that a job meets all of; a list means any of its entries. Jobs and services are given by their keys here. */
export interface JobFilter {
  readonly ids?: Any<string>
  readonly rootIds?: Any<string>
  readonly serviceIds?: Any<string>
  readonly functions?: Any<string>
  readonly statuses?: Any<JobStatus>
  readonly workers?: Any<string>
  readonly lanes?: Any<string>
  readonly labels?: Any<Label>
  readonly allLabels?: Any<Label>
  readonly text?: string | null | undefined
  readonly errorText?: string | null | undefined
  readonly fronts?: Any<FrontName>
  readonly createdAt?: TimeRange | null | undefined
  readonly finishedAt?: TimeRange | null | undefined
}

/** The conditions of a filter on `j`. */
export function filterSql(filter: JobFilter | null | undefined): Prisma.Sql[] {
  if (!filter) return []
  const { ids, rootIds, serviceIds, functions, statuses, workers, lanes } = filter
  const { labels, allLabels, text, errorText, fronts, createdAt, finishedAt } = filter
  const parts: Prisma.Sql[] = []
  if (ids) parts.push(Prisma.sql`j.id = ANY(${[...ids]}::uuid[])`)
  if (rootIds) parts.push(isOfRoots(rootIds))
  if (serviceIds) parts.push(Prisma.sql`j."serviceId" = ANY(${[...serviceIds]}::uuid[])`)
  if (functions) parts.push(Prisma.sql`j.function = ANY(${[...functions]}::text[])`)
  if (statuses) parts.push(Prisma.sql`j.status = ANY(${[...statuses]}::"JobStatus"[])`)
  if (workers) parts.push(Prisma.sql`j.worker = ANY(${[...workers]}::text[])`)
  if (lanes) parts.push(Prisma.sql`j.lane = ANY(${[...lanes]}::text[])`)
  if (labels) parts.push(anyOf(labels.map((label) => hasLabels([label]))))
  if (allLabels) parts.push(allLabels.length === 0 ? Prisma.sql`false` : hasLabels(allLabels))
  if (text) parts.push(anyOf([contains(parameters, text), contains(errorMessage, text)]))
  if (errorText) parts.push(contains(errorMessage, errorText))
  if (fronts) parts.push(anyOf(fronts.map((front) => hasWord(jobNaming, front, 'j'))))
  if (createdAt) parts.push(...within(Prisma.sql`j."createdAt"`, createdAt))
  if (finishedAt) parts.push(...within(Prisma.sql`j."finishedAt"`, finishedAt))
  return parts
}

const parameters = Prisma.sql`j.parameters`
const errorMessage = Prisma.sql`j.error->>'message'`

/** In upper or lower case. */
const contains = (column: Prisma.Sql, text: string): Prisma.Sql =>
  Prisma.sql`strpos(lower(${column}), lower(${text})) > 0`

const anyOf = (conditions: readonly Prisma.Sql[]): Prisma.Sql =>
  conditions.length === 0
    ? Prisma.sql`false`
    : Prisma.sql`(${Prisma.join([...conditions], ' OR ')})`

const isOfRoots = (ids: readonly string[]): Prisma.Sql =>
  Prisma.sql`(j."rootId" = ANY(${[...ids]}::uuid[]) OR j.id = ANY(${[...ids]}::uuid[]))`

const hasLabels = (labels: readonly Label[]): Prisma.Sql =>
  Prisma.sql`j.labels @> ${JSON.stringify(labels)}::jsonb`

const within = (column: Prisma.Sql, { from, to }: TimeRange): Prisma.Sql[] => [
  Prisma.sql`${column} >= ${from}`,
  ...(to ? [Prisma.sql`${column} < ${to}`] : []),
]

/** A column of `j` whose values an index has by age, and those that are asked for, each once. */
interface Indexed {
  readonly column: Prisma.Sql
  readonly values: readonly string[]
}

/** The criterion by which few jobs may be asked for of very many, if there is one. */
export function indexedIn(filter: JobFilter | null | undefined): Indexed | undefined {
  const { workers, lanes } = filter ?? {}
  if (workers) return { column: Prisma.sql`j.worker`, values: [...new Set(workers)] }
  if (lanes) return { column: Prisma.sql`j.lane`, values: [...new Set(lanes)] }
  return undefined
}
