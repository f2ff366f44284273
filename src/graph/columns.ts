import { isAbstractType, isInterfaceType, isObjectType, type GraphQLSchema } from 'graphql'
import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { neededBy, needs, type Needed } from '../kit/needs.ts'
import type { AskedFields } from './look-ahead.ts'

/*
 * Rows are read as far as they are asked for. The resolvers of a type see the columns that are always read, and a field
 * that is made of others names them beside its resolver, which sees them too and no other. What an operation reads
 * follows from the built schema.
 */

interface Field<Row, Made, Args = object> {
  readonly extensions: ReturnType<typeof needs>
  readonly resolve: (row: Row, args: Args, ctx: Context) => Made
}

/**
 * How the fields of a type are defined over rows of which only the columns `Always` are always there; `Along` is what
 * rows may have besides columns. What a field names is read with it, so that its resolver is given what it asks for.
 */
export class FieldsOver<
  Row extends object,
  Always extends keyof Row,
  Along extends keyof Row = never,
> {
  /** A field that is a column. */
  column<Name extends Exclude<keyof Row, Along> & string>(
    name: Name,
  ): Field<Pick<Row, Always>, Row[Name]> {
    return this.from([name], (row: Pick<Row, Always | Name>) => row[name])
  }

  /** A field that is made of columns. */
  from<Name extends Exclude<keyof Row, Along> & string, Made, Args = object>(
    names: readonly Name[],
    resolve: Field<Pick<Row, Always | Name>, Made, Args>['resolve'],
  ): Field<Pick<Row, Always>, Made, Args> {
    return { extensions: needs(names), resolve: resolve as never }
  }

  /** A field that hands the row on. */
  whole<Made>(resolve: Field<Row, Made>['resolve']): Field<Pick<Row, Always>, Made> {
    return { extensions: needs('all'), resolve: resolve as never }
  }
}

/** Types the rows of one of Prisma's types as partial, and does nothing else: those that Prisma reads are whole. */
export const seenAs = <Name extends string>(_always: readonly Name[]): Record<Name, true> =>
  undefined as never // Pothos takes that for no selection

let built: GraphQLSchema | undefined
const byType = new Map<string, ReadonlyMap<string, Needed>>()

/** Takes from a schema which columns its fields are made of; answers the same schema. */
export function readColumns(schema: GraphQLSchema): GraphQLSchema {
  built = schema
  byType.clear()
  return schema
}

/** The columns of the fields of a type, or of all types that implement it. */
function fieldsOf(name: string): ReadonlyMap<string, Needed> {
  const known = byType.get(name)
  if (known !== undefined) return known
  const type = built?.getType(name)
  if (built === undefined || type === undefined) throw new Error(`No schema with ${name} is built.`)
  const types = [type, ...(isAbstractType(type) ? built.getPossibleTypes(type) : [])]
  const fields = new Map<string, Needed>()
  for (const one of types) {
    if (!isObjectType(one) && !isInterfaceType(one)) continue
    for (const { name: field, extensions } of Object.values(one.getFields())) {
      const columns = neededBy(extensions)
      const before = fields.get(field) ?? []
      const isAll = columns === 'all' || before === 'all'
      fields.set(field, isAll ? 'all' : [...new Set([...before, ...columns])])
    }
  }
  byType.set(name, fields)
  return fields
}

/** The columns that answer what is asked of a type; undefined where it takes whole rows. */
export function neededFor(type: string, asked: AskedFields): ReadonlySet<string> | undefined {
  const fields = fieldsOf(type)
  const names = new Set<string>()
  for (const field of asked.keys()) {
    const columns = fields.get(field) ?? []
    if (columns === 'all') return undefined
    for (const name of columns) names.add(name)
  }
  return names
}

/** Some of a table's columns, for the SELECT of a named statement. */
export interface Columns<Name extends string = string> {
  /** Tells statements with different columns apart by their names. */
  readonly key: string
  /** The list, of a table under its alias. */
  readonly sql: Prisma.Sql
  readonly names: readonly Name[]
}

/** Different lists of one table, so that no caller makes every connection prepare ever more statements. */
const LISTS = 100

/**
 * Which columns of `alias` answer what is asked of a type; undefined for all of them. `always` are read in any case,
 * and those in `there` are read anyhow, so that they are not among them.
 */
export function columnsFor<Row extends object>(
  alias: string,
  type: string,
  {
    always = [],
    there = [],
  }: {
    readonly always?: readonly (keyof Row & string)[]
    readonly there?: readonly (keyof Row & string)[]
  },
): (asked: AskedFields) => Columns<keyof Row & string> | undefined {
  type List = Columns<keyof Row & string>
  const lists = new Map<string, List>()
  const made = new WeakMap<AskedFields, List | null>()

  const listOf = (asked: AskedFields): List | null => {
    const needed = neededFor(type, asked)
    if (needed === undefined) return null
    const names = new Set([...always, ...needed] as (keyof Row & string)[]) // fields name columns of their rows
    for (const name of there) names.delete(name)
    const sorted = [...names].toSorted()
    const text = sorted.join(',')
    const kept = lists.get(text)
    if (kept !== undefined || lists.size >= LISTS) return kept ?? null
    const list = {
      key: String(lists.size),
      names: sorted,
      sql: Prisma.raw(sorted.map((name) => `${alias}."${name}"`).join(', ')),
    }
    lists.set(text, list)
    return list
  }
  return (asked) => {
    let list = made.get(asked)
    if (list === undefined) made.set(asked, (list = listOf(asked)))
    return list ?? undefined
  }
}
