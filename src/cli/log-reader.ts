import type { CliLogsQuery, LogFormat } from '../generated/operations/graphql.ts'

type Logs = NonNullable<CliLogsQuery['service']>['logs']

/** One page of a log. */
interface LogPage<Line> {
  readonly nodes: readonly Line[]
  readonly gap: Logs['gap']
  readonly pageInfo: Logs['pageInfo']
}

/** Which page. */
interface LogRange {
  readonly first?: number
  readonly after?: string
  readonly last?: number
  readonly before?: string
}

/** Which of its lines. */
interface LineFilter {
  readonly isUnfinished?: boolean
}

/** What following a log brings. */
interface LogDelivery<Line> {
  readonly lines: readonly Line[]
  readonly gap: Logs['gap']
  readonly end: { readonly lastNumber: number } | null
}

/** A line as following brings it: it may be a piece of one. */
interface Pieced {
  readonly text: string
  readonly piece: { readonly number: number; readonly of: number } | null
}

/** A log, wherever it comes from. */
export interface ReadableLog<Line> {
  page(range: LogRange, filter?: LineFilter): Promise<LogPage<Line>>
  /** Where all of it, as it is by now, can be fetched as a file. */
  url(format: LogFormat): Promise<string>
  /** Everything behind a cursor, and what comes, through every cut. */
  follow(after: string): AsyncIterable<LogDelivery<Line & Pieced>>
}

const PAGE = 1000
export const START = 'start'

/**
 * Everything behind a cursor that is there now, and what is missing before each part of it. A log may grow faster than
 * it is read: what comes meanwhile is left.
 */
export async function* linesAfter<Line extends { readonly number: number }>(
  source: ReadableLog<Line>,
  after: string,
): AsyncGenerator<Pick<LogDelivery<Line>, 'lines' | 'gap'>> {
  const newest = (await source.page({ last: 1 })).nodes[0]?.number ?? 0
  for (let cursor: string | null = after; cursor !== null;) {
    const page: LogPage<Line> = await source.page({ first: PAGE, after: cursor })
    const { nodes, gap, pageInfo } = page
    const lines = nodes.filter(({ number }) => number <= newest)
    yield { lines, gap }
    const hasMore = pageInfo.hasNextPage && lines.length === nodes.length
    cursor = hasMore ? pageInfo.endCursor : null
  }
}

/** The cursor behind which the last so many of the lines are that a filter takes. */
export async function startOfLast(
  source: ReadableLog<unknown>,
  count: number,
  filter: LineFilter,
): Promise<string> {
  // one more: the last so many begin behind it
  let missing = count + 1
  let before: string | undefined
  for (;;) {
    const range = { last: Math.min(missing, PAGE), ...(before === undefined ? {} : { before }) }
    const { nodes, pageInfo } = await source.page(range, filter)
    missing -= nodes.length
    before = pageInfo.startCursor ?? START
    if (missing === 0) return before
    if (!pageInfo.hasPreviousPage) return START
  }
}

/** Deliveries with every line whole: one that comes in pieces is put together, of those that came after a cut. */
export async function* wholeLines<Line extends { readonly text: string }>(
  deliveries: AsyncIterable<LogDelivery<Line & Pieced>>,
): AsyncGenerator<LogDelivery<Line>> {
  let begun = ''
  for await (const { lines, gap, end } of deliveries) {
    const whole = lines.flatMap(({ piece, ...rest }) => {
      const line = rest as unknown as Line // without the piece, which a whole line has not
      if (piece === null) return [line]
      begun = piece.number === 1 ? line.text : begun + line.text
      return piece.number === piece.of ? [{ ...line, text: begun }] : []
    })
    yield { lines: whole, gap, end }
  }
}
