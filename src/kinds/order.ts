import { Prisma } from '../generated/prisma/client.ts'
import { readSerial, writeSerial, type PageArgs, type Window } from '../graph/connection.ts'
import type { ObjectOrder } from '../graph/order.ts'
import { BadCursor, type CursorArgument } from '../kit/errors.ts'
import { isStorable } from '../kit/names.ts'
import type { Owned } from './kind.ts'

/** What can be listed in every order. */
export interface Listable extends Owned {
  readonly name: string
}

/** One order of rows of `o`: by columns of which no two rows have the same, and whose values a cursor tells. */
interface Order {
  readonly columns: readonly Prisma.Sql[]
  readonly write: (row: Listable) => string
  /** The values of those columns. Throws BadCursor. */
  readonly read: (argument: CursorArgument, cursor: string) => readonly Prisma.Sql[]
}

const serialIn = (argument: CursorArgument, cursor: string): Prisma.Sql =>
  Prisma.sql`${readSerial(argument, cursor)}::bigint`

const orders: Readonly<Record<ObjectOrder['field'], Order>> = {
  CREATED_AT: {
    columns: [Prisma.sql`o.serial`],
    write: ({ serial }) => writeSerial(serial),
    read: (argument, cursor) => [serialIn(argument, cursor)],
  },
  // a cursor tells the name: whoever had the row has a place in the list, whatever became of it since
  NAME: {
    columns: [Prisma.sql`lower(o.name) COLLATE "C"`, Prisma.sql`o.serial`],
    write: ({ name, serial }) =>
      `${writeSerial(serial)}.${Buffer.from(name).toString('base64url')}`,
    read(argument, cursor) {
      const [serial = '', text = ''] = cursor.split('.')
      const name = Buffer.from(text, 'base64url').toString()
      if (`${serial}.${Buffer.from(name).toString('base64url')}` !== cursor || !isStorable(name))
        throw new BadCursor(argument, cursor, 'of this list by name')
      return [Prisma.sql`lower(${name})`, serialIn(argument, serial)]
    },
  },
}

/** What an order makes of a statement: the conditions of a page, its ORDER BY, and the cursors of what is read. */
export function ordered({ field, direction }: ObjectOrder, args: PageArgs, window: Window) {
  const { columns, write, read } = orders[field]
  const isUp = direction === 'ASC'
  const beyond = (argument: CursorArgument, sign: string): Prisma.Sql => {
    const cursor = args[argument]
    return cursor == null
      ? Prisma.empty
      : Prisma.sql`AND (${Prisma.join([...columns])}) ${Prisma.raw(sign)} (${Prisma.join([...read(argument, cursor)])})`
  }
  const way = Prisma.raw(isUp === window.isBackward ? 'DESC' : 'ASC')
  return {
    within: Prisma.sql`${beyond('after', isUp ? '>' : '<')} ${beyond('before', isUp ? '<' : '>')}`,
    by: Prisma.join(columns.map((column) => Prisma.sql`${column} ${way}`)),
    cursorOf: write,
  }
}
