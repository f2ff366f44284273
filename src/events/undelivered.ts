import { writeCursor, type StreamId, type StreamKindName } from '../streams/index.ts'

/** Entries of a stream: those behind a number, up to another where that is known. */
interface Range {
  readonly stream: StreamId
  readonly after: number
  readonly position: number | undefined
}

const names: Record<StreamKindName, string> = {
  log: 'log',
  event: 'stream of events',
  jobs: "stream of the jobs' events",
  'all-jobs': "stream of all jobs' events",
  audit: 'stream of activities',
}

/** A stream cannot be delivered further, for the reason that is its `cause`. */
export class Undelivered extends Error {
  /** The stream and the entries, in words. */
  readonly what: string
  /** Where whoever has had everything before resumes. */
  readonly cursor: string

  constructor({ stream, after, position }: Range, options: { cause: unknown }) {
    const cursor = writeCursor(stream, after)
    const entries =
      position === undefined || position <= after
        ? `what follows entry ${after}`
        : `entries ${after + 1} to ${position}`
    const what = `${entries} of the ${names[stream.kind]} ${cursor.split('.')[0]}`
    super(`Could not deliver ${what}.`, options)
    this.what = what
    this.cursor = cursor
  }
}
