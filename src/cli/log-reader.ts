import type { CliLogsQuery } from '../generated/operations/graphql.ts'

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
  readonly before?: string | null
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
export interface LogSource<Line> {
  page(range: LogRange): Promise<LogPage<Line>>
  /** Everything behind a cursor, and what comes, through every cut. */
  follow(after: string): AsyncIterable<LogDelivery<Line & Pieced>>
}

const PAGE = 1000
export const START = 'start'

/** Everything behind a cursor that is there now, and what is missing before each part of it. */
export async function* linesAfter<Line>(
  source: LogSource<Line>,
  after: string,
): AsyncGenerator<Pick<LogDelivery<Line>, 'lines' | 'gap'>> {
  for (let cursor: string | null = after; cursor !== null;) {
    const page: LogPage<Line> = await source.page({ first: PAGE, after: cursor })
    const { nodes: lines, gap, pageInfo } = page
    yield { lines, gap }
    cursor = pageInfo.hasNextPage ? pageInfo.endCursor : null
  }
}

/** The last lines, in their order, and the cursor behind them. */
export async function lastLines<Line>(
  source: LogSource<Line>,
  count: number,
): Promise<{ lines: readonly Line[]; cursor: string }> {
  let lines: Line[] = []
  let end: string | null = null
  let before: string | null = null
  do {
    const last = Math.min(PAGE, Math.max(count - lines.length, 1))
    const { nodes, pageInfo }: LogPage<Line> = await source.page({ last, before })
    end ??= pageInfo.endCursor
    lines = [...nodes, ...lines]
    before = pageInfo.hasPreviousPage ? pageInfo.startCursor : null
  } while (before !== null && lines.length < count)
  return { lines: count === 0 ? [] : lines, cursor: end ?? START }
}

/** The same with every line whole: one that comes in pieces is put together, of those that came after a cut. */
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
