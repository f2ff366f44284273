import { Prisma } from '../generated/prisma/client.ts'
import type { AskedFields } from './look-ahead.ts'

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
 * Which columns answer what is asked for. `fields` says of what columns a field is made; whatever is not in it needs the
 * whole row, so that only what is listed all the time need be there. `always` are read in any case.
 */
export function columnsFor<Row extends object>(
  alias: string,
  always: readonly (keyof Row & string)[],
  fields: Readonly<Record<string, readonly (keyof Row & string)[]>>,
): (asked: AskedFields) => Columns<keyof Row & string> | undefined {
  type List = Columns<keyof Row & string>
  const lists = new Map<string, List>()
  const known = new WeakMap<AskedFields, List | null>()

  const listOf = (asked: AskedFields): List | null => {
    const names = new Set(always)
    for (const field of asked.keys()) {
      const made = field === '__typename' ? [] : fields[field]
      if (made === undefined) return null
      for (const name of made) names.add(name)
    }
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
    let list = known.get(asked)
    if (list === undefined) known.set(asked, (list = listOf(asked)))
    return list ?? undefined
  }
}
