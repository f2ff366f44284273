/** The columns that a field is made of; 'all' where it hands the row on. */
export type Needed = readonly string[] | 'all'

/** The key of the columns of a field in its `extensions`; a field that Pothos exposes names its own. */
const COLUMNS = 'columns'
const EXPOSED = 'pothosExposedField'

/** Says in the `extensions` of a field which columns of its row it is made of, besides those that are always read. */
export const needs = (columns: Needed): { readonly [COLUMNS]: Needed } => ({ [COLUMNS]: columns })

/** What a field says in its `extensions`. */
export function neededBy(extensions: Readonly<Record<string, unknown>>): Needed {
  const exposed = extensions[EXPOSED]
  const columns = extensions[COLUMNS] as Needed | undefined // `needs` wrote it
  return columns ?? (typeof exposed === 'string' ? [exposed] : [])
}
