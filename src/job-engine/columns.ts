import { Prisma, type Job } from '../generated/prisma/client.ts'

/** What is said of a column of a job. */
interface Column {
  /** The type by which a new job gives it. */
  readonly given?: string
  /** What a new job has in it, where that is not what was given: SQL over `n`, the job as it was given. */
  readonly insert?: string
  /** Whether a retry has it as the job that it runs again. */
  readonly isKept?: true
  /** Whether every lease has it. */
  readonly isLeased?: true
  /** Whether it is read of every job that has moved, because it is published or guards what is. */
  readonly isPublished?: true
  /** Whether it is read only where it is asked for by its name, because it may be large or is of no use to others. */
  readonly isApart?: true
}

/** The columns of a job, each said once: what is not here cannot be selected, and what is not in the database does not compile. */
const columns = {
  id: { given: 'uuid', isPublished: true },
  serial: {},
  organizationId: { given: 'uuid', isKept: true, isPublished: true },
  serviceId: { given: 'uuid', isKept: true, isPublished: true },
  projectId: { given: 'uuid', isKept: true },
  function: { given: 'text', isKept: true, isLeased: true },
  status: { isPublished: true },
  priority: { given: 'int', isKept: true },
  isAwaited: { given: 'boolean', insert: 'COALESCE(n."isAwaited", false)' },
  lane: { given: 'text', isKept: true, isPublished: true },
  parameters: { given: 'text', isLeased: true, isApart: true },
  parametersKey: { given: 'text', isLeased: true },
  result: { isApart: true },
  resultKey: {},
  resultSchemaId: { given: 'text', isKept: true, isLeased: true },
  error: {},
  runAfter: { given: 'timestamptz' },
  readyAt: { insert: 'GREATEST(n."runAfter", now())' },
  attempt: { isLeased: true },
  spared: {},
  maxAttempts: { given: 'int', isKept: true },
  timeoutSeconds: { given: 'int', isKept: true },
  retainSeconds: { given: 'int', isKept: true },
  fence: { isLeased: true },
  worker: {},
  heldBy: {},
  leaseSeconds: {},
  leaseExpiresAt: { isLeased: true },
  timeoutAt: {},
  isLimited: { isPublished: true },
  fraction: {},
  message: {},
  progressAt: {},
  cancelRequestedAt: {},
  deadline: {},
  retryOfId: { given: 'uuid' },
  rootId: { given: 'uuid' },
  labels: { given: 'jsonb', isKept: true },
  creator: { given: 'jsonb' },
  revision: {},
  createdAt: { insert: 'now()' },
  updatedAt: { insert: 'now()' },
  startedAt: {},
  finishedAt: {},
  expiresAt: {},
  /** How many other jobs a bulk job has moved. */
  tally: { isApart: true },
} as const satisfies Record<keyof Job, Column>

type Columns = typeof columns
type With<Key extends keyof Column> = {
  [Name in keyof Columns]: Columns[Name] extends Required<Pick<Column, Key>> ? Name : never
}[keyof Columns]

const all = Object.entries(columns) as [keyof Job, Column][] // its own entries

const having = <Key extends keyof Column>(key: Key): readonly With<Key>[] =>
  all.filter(([, column]) => key in column).map(([name]) => name) as With<Key>[] // what With says as a type

/** Columns that a new job says. */
export type GivenColumn = With<'given'>
/** Columns that a job as it is handed around has not. */
export type ApartColumn = With<'isApart'>
const rowColumns = all.filter(([, column]) => !column.isApart).map(([name]) => name)

export const publishedColumns = having('isPublished')
export const leaseColumns = [...publishedColumns, ...having('isLeased')]
export const keptColumns = having('isKept')

/** The columns of a JobRow, or some of them, of the table or CTE called `alias`. */
export const jobColumns = (alias: string, some: readonly (keyof Job)[] = rowColumns): Prisma.Sql =>
  Prisma.raw(some.map((name) => `${alias}."${name}"`).join(', '))

const raw = (parts: readonly string[]): Prisma.Sql => Prisma.raw(parts.join(', '))
const inserted = all.filter(([, { given, insert }]) => given ?? insert)

/** The INSERT of new jobs: its columns, what goes into them, and how the JSON of those that were given is read. */
export const insertColumns = {
  names: raw(inserted.map(([name]) => `"${name}"`)),
  values: raw(inserted.map(([name, { insert }]) => insert ?? `n."${name}"`)),
  given: raw(having('given').map((name) => `"${name}" ${columns[name].given}`)),
}
