import type { Context } from '../context.ts'
import {
  deliver,
  pageOfStream,
  resumeFrom,
  type EntryPage,
  type Portion,
  type StreamArgs,
} from '../events/index.ts'
import { BadRequest } from '../kit/errors.ts'
import { batchedAlike } from '../kit/batched.ts'
import {
  countLines,
  logStream,
  matching,
  NO_ENTRIES,
  readLines,
  readLog,
  type LineRange,
  type LogFilter,
  type LogLine,
  type StreamKind,
} from '../streams/index.ts'
import { inPieces } from './pieces.ts'
import { MAX_LAST, type LogContent } from './types.ts'

const linePages = batchedAlike(({ database }: Context, streams, range: LineRange) =>
  readLines(database, streams, range),
)
const lineCounts = batchedAlike(({ database }: Context, streams, filter: LogFilter | null) =>
  countLines(database, streams, filter),
)

/** A page of a log, those of all logs in a list with one statement. */
export const pageOfLog = (
  ctx: Context,
  stream: string,
  args: StreamArgs & { filter?: LogFilter | null | undefined },
): Promise<EntryPage<LogLine>> =>
  pageOfStream(
    { kind: 'log', id: stream },
    args,
    async (range) =>
      (await linePages(ctx, stream, { ...range, filter: args.filter })) ?? NO_ENTRIES,
    async () => (await lineCounts(ctx, stream, args.filter ?? null)) ?? 0,
  )

interface FollowArgs {
  readonly after?: string | null
  readonly last?: number | null
  readonly filter?: LogFilter | null
}

/** A log from a cursor on, or beginning with its last lines; then live. */
export const followLog = (
  ctx: Context,
  stream: string,
  args: FollowArgs,
): Promise<AsyncIterableIterator<Portion<LogLine, LogContent>>> =>
  followLogOf(ctx, logStream(ctx.database.shared), stream, args)

/** The same of a kind of log that has an end of its own. */
export async function followLogOf(
  ctx: Context,
  kind: StreamKind<LogLine>,
  stream: string,
  args: FollowArgs,
): Promise<AsyncIterableIterator<Portion<LogLine, LogContent>>> {
  const { filter } = args
  const last = args.last ?? 10
  if (last < 0 || last > MAX_LAST)
    throw new BadRequest(`\`last\` must be from 0 to ${MAX_LAST}; page back for more.`)
  return deliver(ctx, kind, stream, resumeFrom(ctx, args.after), {
    show: (lines) => ({ lines }),
    cut: inPieces,
    begin: async (head) => ({
      after: await startOf(ctx, stream, head, last, filter),
      tellNow: false,
    }),
    isWanted: filter ? matching(filter) : undefined,
  })
}

/** The number after which the last lines begin. */
async function startOf(
  ctx: Context,
  stream: string,
  head: number,
  last: number,
  filter: LogFilter | null | undefined,
): Promise<number> {
  if (last === 0) return head
  const { entries } = await readLog(ctx.database, stream, {
    before: head + 1,
    limit: last,
    newestFirst: true,
    filter,
  })
  const oldest = entries.at(-1)
  return oldest === undefined ? head : oldest.number - 1
}
