import { searchables } from '../kinds/index.ts'
import { allow, requireCredential } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import {
  connectionOf,
  pageArgs,
  pageOf,
  windowOf,
  type ListPage,
  type PageArgs,
} from '../graph/connection.ts'
import { findNode, NodeInterface } from '../graph/node.ts'
import { BadCursor, BadRequest, type CursorArgument } from '../kit/errors.ts'
import { isStorable } from '../kit/names.ts'
import { organizationNamed } from '../organizations/index.ts'
import { hitsOf, type Hit } from './statement.ts'

/** No name or address is longer. */
const MAX_TEXT = 600

interface SearchHit {
  readonly node: object
  readonly title: string
  readonly detail: string
}

const SearchHitType = builder.objectRef<SearchHit>('SearchHit').implement({
  description: 'An object that a search found.',
  fields: (t) => ({
    node: t.field({
      type: NodeInterface,
      description: 'The object.',
      resolve: ({ node }) => node,
    }),
    title: t.exposeString('title', { description: 'Name of the object, for people.' }),
    detail: t.exposeString('detail', {
      description: 'Text that distinguishes the object from others with the same name.',
    }),
  }),
})
const SearchHitConnection = connectionOf<SearchHit>('SearchHit', SearchHitType, 'hits')

const empty: ListPage<SearchHit> = {
  edges: [],
  pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
  count: () => Promise.resolve(0),
}

builder.queryField('search', (t) =>
  t.field({
    type: SearchHitConnection,
    description:
      'Returns objects that the caller may see and whose name, handle, label, e-mail address, ID or ID in a front matches the text, ' +
      'ignoring case. Exact matches come first, then those that start with the text, then those that contain it; ' +
      'the newest first in each group. A text of one character finds exact matches only; an empty text finds nothing. ' +
      'The name of a job is its function and its labels (`team=red`). ' +
      'A search by a part of the name considers the newest 10,000 objects of a kind in each organization, and the newest 2,000 jobs in each state.',
    args: {
      text: t.arg.string({ required: true, description: 'Text to search for.' }),
      organizationId: t.arg.id({
        description:
          'Organization: ID, handle or address. Default: all organizations of the caller.',
      }),
      ...pageArgs(t.arg),
    },
    resolve: async (_root, { text, organizationId, ...args }, ctx) => {
      requireCredential(ctx.viewer)
      const named = await organizationNamed(ctx, organizationId)
      if (named !== undefined) allow(ctx.viewer, 'VIEWER', named)
      if (text.length > MAX_TEXT)
        throw new BadRequest(`\`text\` has at most ${MAX_TEXT} characters.`)
      return find(ctx, text.trim(), named, args)
    },
  }),
)

async function find(
  ctx: Context,
  text: string,
  organizationId: string | undefined,
  args: PageArgs,
): Promise<ListPage<SearchHit>> {
  const window = windowOf(args)
  const bounds = [
    ...(args.after == null ? [] : [Prisma.sql`${place} > ${readPlace('after', args.after)}`]),
    ...(args.before == null ? [] : [Prisma.sql`${place} < ${readPlace('before', args.before)}`]),
  ]
  const hits =
    text === '' || !isStorable(text)
      ? undefined
      : hitsOf(searchables.values(), { text, viewer: ctx.viewer, organizationId })
  if (hits === undefined) return empty
  const direction = window.isBackward ? Prisma.raw('DESC') : Prisma.raw('ASC')
  const rows = await ctx.database.query<Hit>(Prisma.sql`
    SELECT * FROM (${hits}) AS h WHERE ${Prisma.join([Prisma.sql`true`, ...bounds], ' AND ')}
    ORDER BY rank ${direction}, noun COLLATE "C" ${direction}, -serial ${direction}
    LIMIT ${window.limit + 1}::int OFFSET ${window.offset}::int`)
  const count = async (): Promise<number> => {
    const [row] = await ctx.database.query<{ count: bigint }>(
      Prisma.sql`SELECT count(*) FROM (${hits}) AS h`,
    )
    return Number(row?.count ?? 0)
  }
  const page = pageOf(rows, window, args, writePlace, count)
  const shown = await Promise.all(
    page.edges.map(async ({ cursor, node }) => {
      const hit = await show(ctx, node)
      return hit === undefined ? [] : [{ cursor, node: hit }]
    }),
  )
  return { ...page, edges: shown.flat() }
}

/** A hit as it is now; undefined when it was deleted meanwhile. */
async function show(ctx: Context, { noun, id }: Hit): Promise<SearchHit | undefined> {
  const kind = searchables.get(noun)
  const node = kind && (await findNode(ctx, kind.kind.text(id)))
  if (!node) return undefined
  const row = node as never // the kind's own rows are what its node finds
  return { node, title: kind.title(row), detail: await kind.detail(row, ctx) }
}

/** Where a hit stands among the others; its cursor says the same. */
const place = Prisma.sql`(rank, noun COLLATE "C", -serial)`

const writePlace = ({ rank, noun, serial }: Hit): string =>
  `s${rank}.${noun}.${serial.toString(36)}`

function readPlace(argument: CursorArgument, cursor: string): Prisma.Sql {
  const [, rank, noun = '', serial = ''] =
    /^s([012])\.([a-z]{1,20})\.([0-9a-z]{1,11})$/.exec(cursor) ?? []
  const number = Number.parseInt(serial, 36)
  if (rank === undefined || !Number.isSafeInteger(number))
    throw new BadCursor(argument, cursor, 'of this list')
  return Prisma.sql`(${Number(rank)}::int, ${noun}::text COLLATE "C", -${number}::bigint)`
}
