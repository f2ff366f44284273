import type { ArgBuilder, ObjectRef, OutputType } from '@pothos/core'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { BadCursor, BadRequest, type CursorArgument } from '../kit/errors.ts'

/** One page of a list. Connections follow the Relay specification (https://relay.dev/graphql/connections.htm). */
export interface ListPage<Row> {
  readonly edges: readonly { readonly cursor: string; readonly node: Row }[]
  readonly pageInfo: PageInfo
  readonly count: () => Promise<number>
}

interface PageInfo {
  readonly hasNextPage: boolean
  readonly hasPreviousPage: boolean
  readonly startCursor: string | null
  readonly endCursor: string | null
}

const PageInfoType = builder.objectRef<PageInfo>('PageInfo').implement({
  description: 'Position of a page within its list.',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', {
      description: 'Whether entries follow this page at present.',
    }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
      description: 'Whether entries precede this page.',
    }),
    startCursor: t.exposeString('startCursor', {
      nullable: true,
      description:
        'Cursor of the first entry of the page. Pass it as `before` to read the entries that precede the page. Null for an empty page of a list; an empty page of events, log lines or activities has a cursor too.',
    }),
    endCursor: t.exposeString('endCursor', {
      nullable: true,
      description:
        'Cursor of the last entry of the page. Pass it as `after` to read the entries that follow the page. Null for an empty page of a list; an empty page of events, log lines or activities has a cursor too.',
    }),
  }),
})

/** The connection and edge types of one kind of list: `<name>Connection`, `<name>Edge`. */
export function connectionOf<Row, P extends ListPage<Row> = ListPage<Row>>(
  name: string,
  node: OutputType<typeof builder.$inferSchemaTypes>,
  noun: string,
): ObjectRef<typeof builder.$inferSchemaTypes, P> {
  const edge = builder.objectRef<{ cursor: string; node: Row }>(`${name}Edge`).implement({
    description: `An entry of a list of ${noun}, with its cursor.`,
    fields: (t) => ({
      cursor: t.exposeString('cursor', {
        description: 'Cursor of the entry: its position in the list. Opaque.',
      }),
      node: t.field({
        type: node,
        description: 'The entry itself.',
        resolve: (e) => e.node as never,
      }),
    }),
  })
  return builder.objectRef<P>(`${name}Connection`).implement({
    description: `One page of a list of ${noun}.`,
    fields: (t) => ({
      edges: t.field({
        type: [edge],
        description: 'Entries of the page with their cursors.',
        resolve: (page) => [...page.edges],
      }),
      nodes: t.field({
        type: [node] as never,
        description: 'Entries of the page without cursors.',
        resolve: ((page: P) => page.edges.map((e) => e.node)) as never,
      }),
      pageInfo: t.field({
        type: PageInfoType,
        description: 'Position of the page within the list.',
        resolve: (page) => page.pageInfo,
      }),
      totalCount: t.field({
        type: 'SafeInt',
        description:
          'Number of entries in the whole list, over all pages. Counted only when selected.',
        resolve: (page) => page.count(),
      }),
    }),
  })
}

/** How many a page holds when nothing is said. */
export const PAGE_SIZE = 100

/** How many a page may hold at most: more for operations of our own, whose answers are written as they come. */
export const maxPage = ({ trusted }: Pick<Context, 'trusted'>): number =>
  trusted ? 1_000 : PAGE_SIZE

type Args = ArgBuilder<typeof builder.$inferSchemaTypes>

/** The arguments every connection takes. */
export const pageArgs = (t: Args, max = 100) => ({
  first: t.int({
    description: `Number of entries to return from the start of the list, or from \`after\`. Range: 1 to ${max}. Default: ${Math.min(max, PAGE_SIZE)}.`,
  }),
  last: t.int({
    description: `Number of entries to return from the end of the list, or from \`before\`. Range: 1 to ${max}.`,
  }),
  after: t.string({ description: 'Cursor: returns entries that follow it.' }),
  before: t.string({ description: 'Cursor: returns entries that precede it.' }),
  offset: t.int({
    description: 'Number of entries to skip first, for numbered pages. Default: 0.',
  }),
})

export interface PageArgs {
  readonly first?: number | null | undefined
  readonly last?: number | null | undefined
  readonly after?: string | null | undefined
  readonly before?: string | null | undefined
  readonly offset?: number | null | undefined
}

/** A page asked for, checked: how many, from which end, and how many to pass over. */
export interface Window {
  readonly limit: number
  readonly isBackward: boolean
  readonly offset: number
}

/** Throws BadRequest for a page that cannot be: both ends at once, or a size out of bounds. */
export function windowOf({ first, last, offset }: PageArgs, max = 100): Window {
  if (first != null && last != null) throw new BadRequest('Give `first` or `last`, not both.')
  const limit = first ?? last ?? Math.min(max, PAGE_SIZE)
  if (limit < 1 || limit > max)
    throw new BadRequest(`\`${last == null ? 'first' : 'last'}\` must be from 1 to ${max}.`)
  if (offset != null && offset < 0) throw new BadRequest('`offset` cannot be negative.')
  return { limit, isBackward: last != null, offset: offset ?? 0 }
}

/** Puts rows, read in the window's direction with one to spare, into a page. */
export function pageOf<Row>(
  rows: readonly Row[],
  window: Window,
  args: PageArgs,
  cursorOf: (row: Row) => string,
  count: () => Promise<number>,
  {
    empty,
    hasMore: isCut = false,
  }: {
    /** Where a page begins and ends that holds nothing. */
    empty?: { readonly start: string; readonly end: string } | undefined
    hasMore?: boolean | undefined
  } = {},
): ListPage<Row> {
  const hasMore = isCut || rows.length > window.limit
  const kept = rows.slice(0, window.limit)
  if (window.isBackward) kept.reverse()
  const edges = kept.map((node) => ({ cursor: cursorOf(node), node }))
  const before = args.after != null || (!window.isBackward && window.offset > 0)
  const behind = args.before != null || (window.isBackward && window.offset > 0)
  return {
    edges,
    count,
    pageInfo: {
      hasNextPage: window.isBackward ? behind : hasMore,
      hasPreviousPage: window.isBackward ? hasMore : before,
      startCursor: edges[0]?.cursor ?? empty?.start ?? null,
      endCursor: edges.at(-1)?.cursor ?? empty?.end ?? null,
    },
  }
}

/** A place in the order in which rows were made. */
export const writeSerial = (serial: bigint): string => `n${serial.toString(36)}`

/** Throws BadCursor. */
export function readSerial(argument: CursorArgument, cursor: string): bigint {
  const number = Number.parseInt(cursor.slice(1), 36)
  if (!Number.isSafeInteger(number) || writeSerial(BigInt(number)) !== cursor)
    throw new BadCursor(argument, cursor, 'of this list')
  return BigInt(number)
}
