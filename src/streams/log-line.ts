import type { LogSource } from '../generated/prisma/enums.ts'
import type { Entry } from './stream.ts'

/** One line of a log. */
export interface LogLine extends Entry {
  readonly at: Date
  readonly source: LogSource
  readonly instance: number | null
  readonly attempt: number | null
  readonly text: string
  /** The next line of the same source, instance and attempt takes its place. */
  readonly isUnfinished: boolean
}

/** A line that is not stored yet. */
export interface NewLine {
  readonly source: LogSource
  readonly text: string
  readonly isUnfinished?: boolean
}
