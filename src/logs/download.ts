import type { Context } from '../context.ts'
import { BadRequest } from '../kit/errors.ts'
import { batchedAlike } from '../kit/batched.ts'
import {
  filterSql,
  NO_ENTRIES,
  readHeads,
  type LogFilter,
  type LogFormat,
  type LogSelection,
} from '../streams/index.ts'

const HOUR_MS = 3_600_000
/** Characters of a query: what proxies let pass in a URL. */
const MAX_QUERY = 6_000

/** The media type of each format. */
export const logTypes: Readonly<Record<LogFormat, string>> = {
  TEXT: 'text/plain; charset=utf-8',
  TIMED_TEXT: 'text/plain; charset=utf-8',
  NDJSON: 'application/x-ndjson',
}

/** Which lines, and how they are written. */
export interface DownloadArgs {
  readonly format: LogFormat
  readonly filter?: LogFilter | null | undefined
  readonly from?: number | null | undefined
  readonly to?: number | null | undefined
}

const heads = batchedAlike(({ database }: Context, streams) => readHeads(database, streams))

/**
 * A URL under which lines of a log can be fetched for an hour. It names numbers: what is printed later is not among
 * them. Throws BadRequest.
 */
export async function logUrl(
  ctx: Context,
  { id, name, title }: { readonly id: string; readonly name: string; readonly title: string },
  { format, filter, from, to }: DownloadArgs,
): Promise<string> {
  for (const [argument, number] of Object.entries({ from, to }))
    if (number != null && number < 1) throw new BadRequest(`\`${argument}\` must be at least 1.`)
  filterSql(filter) // what it refuses is refused here
  const { head, first } = (await heads(ctx, id)) ?? NO_ENTRIES
  const query = new URLSearchParams({
    format,
    from: String(from ?? 1),
    to: String(Math.min(to ?? head, head)),
    kept: String(first),
    ...(filter ? { filter: JSON.stringify(filter) } : {}),
  })
  if (query.toString().length > MAX_QUERY)
    throw new BadRequest('`filter` is too long for a URL: give it fewer or shorter values.')
  const path = `/logs/${name}/${title}.${format === 'NDJSON' ? 'ndjson' : 'log'}`
  return (
    ctx.origin + ctx.signer.signPath('GET', path, new Date(ctx.now().getTime() + HOUR_MS), query)
  )
}

/** The selection in the query of such a URL, once that is known to be signed. */
export function selectionIn(query: URLSearchParams): LogSelection {
  const format = query.get('format') as LogFormat // signed: we wrote it
  const text = query.get('filter')
  const filter = text === null ? {} : (JSON.parse(text) as LogFilter) // the same
  const { at, isUnfinished } = filter
  return {
    format,
    from: Number(query.get('from')),
    to: Number(query.get('to')),
    kept: Number(query.get('kept')),
    filter: {
      ...filter,
      at: at && { from: new Date(at.from), to: at.to && new Date(at.to) },
      // in plain text nobody could tell what takes the place of what
      isUnfinished: isUnfinished ?? (format === 'NDJSON' ? null : false),
    },
  }
}
