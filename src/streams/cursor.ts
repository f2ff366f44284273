import { BadCursor, type CursorArgument } from '../kit/errors.ts'

/**
 * A cursor names a stream and the number of the last entry its holder has handled. The same text resumes a
 * query, a WebSocket subscription and an SSE connection. Its content is ours: callers only keep and return it.
 */
export interface StreamId {
  readonly kind: StreamKindName
  /** UUID of the object whose stream it is. */
  readonly id: string
}

/**
 * `log`: lines. `event`: what happened to one object. `jobs`: what happened to the jobs of a service. `all-jobs`: what
 * happened to all jobs of an organization. `audit`: the history of an organization.
 */
export type StreamKindName = 'log' | 'event' | 'jobs' | 'all-jobs' | 'audit'

const letters = { log: 'l', event: 'e', jobs: 'j', 'all-jobs': 'o', audit: 'a' } as const

/** The cursor before the first entry of any stream. */
const START = 'start'

export function writeCursor({ kind, id }: StreamId, number: number): string {
  const bytes = Buffer.from(id.replaceAll('-', ''), 'hex')
  return `${letters[kind]}${bytes.toString('base64url')}.${number.toString(36)}`
}

/** The number in a cursor of this stream. Throws BadCursor for any other text, also another stream's cursor. */
export function readCursor(stream: StreamId, argument: CursorArgument, cursor: string): number {
  if (cursor === START) return 0
  const dot = cursor.indexOf('.')
  const number = Number.parseInt(cursor.slice(dot + 1), 36)
  if (dot < 0 || !Number.isSafeInteger(number) || number < 0) throw badCursor(argument, cursor)
  if (writeCursor(stream, number) !== cursor) throw badCursor(argument, cursor)
  return number
}

const badCursor = (argument: CursorArgument, cursor: string): BadCursor =>
  // ABEJA's front sends these words on
  new BadCursor(argument, cursor, 'of this stream. Pass a cursor it gave you, or "start"')
