import { Prisma } from '../generated/prisma/client.ts'
import { BadCursor, type CursorArgument } from '../kit/errors.ts'
import { isStorable } from '../kit/names.ts'
import {
  PAGE_SIZE,
  pageOf,
  readSerial,
  windowOf,
  writeSerial,
  type ListPage,
  type PageArgs,
} from './connection.ts'
import type { ObjectOrder } from './order.ts'

/** What every row of a list has that can be ordered. */
export interface Placed {
  readonly serial: bigint
}

/** Which page of a list, and in which order. */
export interface OrderedArgs extends PageArgs {
  readonly orderBy?: ObjectOrder | null | undefined
}

/** Where the statement of a list finds what it is ordered by. */
export interface Places {
  /** The alias of its rows; `o` if absent. */
  readonly alias?: string
  /** The column with their name, in upper or lower case; `name` if absent. */
  readonly name?: string
}

/** The end of the statement that reads a page. */
export interface PageQuery {
  /** Tells prepared statements apart: two with the same form differ in nothing but their values. */
  readonly form: string
  /** Conditions on the rows, each with AND before it. */
  readonly within: Prisma.Sql
  readonly orderBy: Prisma.Sql
  readonly limit: Prisma.Sql
}

/** One order of rows: by columns of which no two rows have the same, and whose values a cursor holds. */
interface Order {
  readonly columns: readonly Prisma.Sql[]
  readonly write: (row: Placed) => string
  /** The values of those columns. Throws BadCursor. */
  readonly read: (argument: CursorArgument, cursor: string) => readonly Prisma.Sql[]
}

const serialIn = (argument: CursorArgument, cursor: string): Prisma.Sql =>
  Prisma.sql`${readSerial(argument, cursor)}::bigint`

const orders: Readonly<Record<ObjectOrder['field'], (places: Required<Places>) => Order>> = {
  CREATED_AT: ({ alias }) => ({
    columns: [Prisma.raw(`${alias}.serial`)],
    write: ({ serial }) => writeSerial(serial),
    read: (argument, cursor) => [serialIn(argument, cursor)],
  }),
  // a cursor holds the name: it keeps its place in the list, whatever its row is called or is gone meanwhile
  NAME: ({ alias, name }) => ({
    columns: [Prisma.raw(`lower(${alias}."${name}") COLLATE "C"`), Prisma.raw(`${alias}.serial`)],
    write: (row) =>
      `${writeSerial(row.serial)}.${Buffer.from(String(row[name as keyof Placed])).toString('base64url')}`,
    read(argument, cursor) {
      const [serial = '', text = ''] = cursor.split('.')
      const called = Buffer.from(text, 'base64url').toString()
      if (
        `${serial}.${Buffer.from(called).toString('base64url')}` !== cursor ||
        !isStorable(called)
      )
        throw new BadCursor(argument, cursor, 'of this list by name')
      return [Prisma.sql`lower(${called})`, serialIn(argument, serial)]
    },
  }),
}

const listed = (parts: readonly Prisma.Sql[], between = ', '): Prisma.Sql =>
  parts.length === 0 ? Prisma.empty : Prisma.join([...parts], between)

const OLDEST_FIRST: ObjectOrder = { field: 'CREATED_AT', direction: 'ASC' }

/**
 * A page of a list in the order asked for, the oldest first where none is: by cursors that lose and repeat no row,
 * whatever is written between two pages. `find` reads the rows with the statement that `PageQuery` ends.
 */
export async function pageInOrder<Row extends Placed>(
  { orderBy, ...args }: OrderedArgs,
  find: (query: PageQuery) => Promise<readonly Row[]>,
  count: () => Promise<number>,
  max = PAGE_SIZE,
  { alias = 'o', name = 'name' }: Places = {},
): Promise<ListPage<Row>> {
  const window = windowOf(args, max)
  const { field, direction } = orderBy ?? OLDEST_FIRST
  const { columns, write, read } = orders[field]({ alias, name })
  const isUp = direction === 'ASC'
  const signs = { after: isUp ? '>' : '<', before: isUp ? '<' : '>' }
  const bounds = (['after', 'before'] as const).flatMap((argument) => {
    const cursor = args[argument]
    return cursor == null ? [] : [{ sign: signs[argument], place: read(argument, cursor) }]
  })
  const way = isUp === window.isBackward ? 'DESC' : 'ASC'
  const rows = await find({
    form: [field, way, ...bounds.map(({ sign }) => sign)].join(''),
    within: listed(
      bounds.map(
        ({ sign, place }) =>
          Prisma.sql`AND (${listed(columns)}) ${Prisma.raw(sign)} (${listed(place)})`,
      ),
      ' ',
    ),
    orderBy: Prisma.sql`ORDER BY ${listed(columns.map((column) => Prisma.sql`${column} ${Prisma.raw(way)}`))}`,
    limit: Prisma.sql`LIMIT ${window.limit + 1}::int OFFSET ${window.offset}::int`,
  })
  return pageOf(rows, window, args, write, count)
}
