import { types } from 'pg'

type TypeId = Parameters<typeof types.getTypeParser>[0]
type Format = Parameters<typeof types.getTypeParser>[1]
type Parse = (text: string) => unknown

const INT8 = 20
const DATE = 1082
const TIMESTAMP = 1114
const INT8_ARRAY = 1016

const utc: Parse = (text) => new Date(`${text.replace(' ', 'T')}Z`)
const bigints: Parse = (text) =>
  text === '{}'
    ? []
    : text
        .slice(1, -1)
        .split(',')
        .map((item) => (item === 'NULL' ? null : BigInt(item)))

const parsers: ReadonlyMap<number, Parse> = new Map([
  [INT8, BigInt],
  [INT8_ARRAY, bigints],
  [DATE, (text) => new Date(`${text}T00:00:00Z`)],
  [TIMESTAMP, utc],
])

/**
 * How the columns of named SQL become JavaScript: as Prisma gives them, so that a row of `RETURNING *` is a
 * row of Prisma. `pg` itself already reads `timestamptz` as Date, JSON as values and `bytea` as bytes.
 */
export const rowTypes: { getTypeParser: typeof types.getTypeParser } = {
  getTypeParser: (id: TypeId, format?: Format) =>
    (format === 'binary' ? undefined : parsers.get(id)) ?? types.getTypeParser(id, format),
}
