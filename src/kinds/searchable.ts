import type { Viewer } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import type { Role } from '../generated/prisma/enums.ts'
import type { IdKind } from '../kit/ids.ts'
import type { Naming } from '../addresses/index.ts'

/** How objects of one kind are found; what is found is shown by what `isNode` knows of the kind. */
export interface Searchable<Row> {
  readonly kind: IdKind<string>
  /** How fronts name them, if they do. */
  readonly naming?: Naming
  /** The role that finds them. */
  readonly role: Role
  /** What follows FROM: a table called `o` that has `id` and `serial`. */
  readonly from: Prisma.Sql
  /** The same for the newest of one organization, where no index leads to them by `serial`. */
  readonly newest?: (organization: Prisma.Sql) => Prisma.Sql
  /** Which of them are there. */
  readonly where: Prisma.Sql
  /** The column with the organization they belong to. */
  readonly organization: Prisma.Sql
  /** The columns with their names. */
  readonly names: readonly Prisma.Sql[]
  /** The only one that a viewer without a role in its organization may find. */
  readonly only?: (
    viewer: Viewer,
  ) => { readonly id: string; readonly organizationId: string } | undefined
  readonly title: (row: Row) => string
  readonly detail: (row: Row, ctx: Context) => string | Promise<string>
}

/** All kinds, by their noun. */
export const searchables = new Map<string, Searchable<never>>()

/** Lets `search` find objects of this kind, which must be a node. */
export function isSearchable<Row>(searchable: Searchable<Row>): void {
  searchables.set(searchable.kind.noun, searchable)
}
