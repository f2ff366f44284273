import { LIMIT_CHOICES, meantBy, naming, theOne, type Naming } from '../addresses/index.ts'
import { noteRight } from '../auth/noted-rights.ts'
import { allow, found, organizationsOf, type Viewer } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { Role } from '../generated/prisma/enums.ts'
import { isNode } from '../graph/node.ts'
import { batched } from '../kit/batched.ts'
import { eventsOf, type EventStream } from '../streams/index.ts'
import { isSearchable, type Searchable } from './searchable.ts'

/** What the rows of every kind have. */
export interface Owned {
  readonly id: string
  readonly serial: bigint
  readonly organizationId: string
}

/** Where the objects of one kind are kept. */
export interface Table extends Naming {
  readonly table: Prisma.ModelName
  /** The columns that hold its names while it is there; `heldHandle` where nothing is said. */
  readonly held?: readonly string[]
  /** A topic of the bus that each change is told on too, as the UUID. */
  readonly topic?: string
  /** Of those whose rows have a `revision`: the events of each. */
  readonly stream?: EventStream
}

/** All that is said of one kind of object, once. */
interface About<Row> extends Omit<Table, 'stream'> {
  /** The GraphQL type of a row. */
  readonly type: string | ((row: Row) => string)
  /** The only one that the viewer may see, whatever its memberships; undefined where it sees those of its organizations. */
  readonly only?: Searchable<Row>['only']
  /** How `search` finds and shows them; without it, it does not find them. */
  readonly search?: Pick<Searchable<Row>, 'title' | 'detail'> & {
    readonly names: readonly (string & keyof Row)[]
  }
}

/** One kind of object: how its rows are found, by whom, and what they are to the rest of the API. */
export interface Kind<Row> extends About<Row>, Table {
  /** The condition on rows of a table `alias` that the viewer may see. */
  visible(viewer: Viewer, alias: string): Prisma.Sql
  byId(ctx: Context, id: string): Promise<Row | null>
  /** By id, handle or address, in one of `organizations`; null for the absent and the foreign alike. Throws Ambiguous. */
  named(ctx: Context, text: string, organizations?: readonly string[]): Promise<Row | null>
  /** The same to be changed. Throws NotFound, and Forbidden for whoever may see it but not change it. */
  toChange(ctx: Context, text: string, role?: Role): Promise<Row>
  /** The same to be followed: whoever resumes from a cursor follows a deleted one, by its id, to its end. Throws NotFound. */
  toFollow(ctx: Context, text: string, isResumed: boolean): Promise<Row>
  /** What a call has changed before, as it is now or last was. Throws as `toChange` does. */
  changedBefore(ctx: Context, id: string, role?: Role): Promise<Row>
}

/** A kind whose objects have streams of events. */
export interface FollowedKind<Row> extends Kind<Row> {
  readonly stream: EventStream
}

/**
 * Describes a kind of object: it becomes a node and, where that is said, is found by `search`. With `closedBy`, the
 * column that is set when nothing more happens to an object, it has a stream of events.
 */
export function kindOf<Row extends Owned>(
  about: About<Row> & { readonly closedBy: string },
): FollowedKind<Row>
export function kindOf<Row extends Owned>(about: About<Row>): Kind<Row>
export function kindOf<Row extends Owned>(
  about: About<Row> & { readonly closedBy?: string },
): Kind<Row> {
  const { table, kind: ids, noun, only, search, type, closedBy } = about
  const from = Prisma.raw(`"${table}" AS o`)
  const hasHandle = about.held?.includes('heldHandle') ?? true

  const visible = (viewer: Viewer, alias: string): Prisma.Sql => {
    const row = Prisma.raw(alias)
    const single = only?.(viewer)
    const readable =
      single === undefined
        ? Prisma.sql`${row}."organizationId" = ANY(${organizationsOf(viewer)}::uuid[])`
        : Prisma.sql`${row}.id = ${single.id}::uuid`
    return Prisma.sql`${readable} AND ${row}."deletedAt" IS NULL`
  }
  /** Tells prepared statements apart that differ in who may see what. */
  const formOf = (viewer: Viewer): string => (only?.(viewer) === undefined ? '' : '-only')

  const byId = batched<Context, Row>(({ database, viewer }, wanted) =>
    database.read(
      Prisma.sql`SELECT o.* FROM ${from} WHERE o.id = ANY(${wanted}::uuid[]) AND ${visible(viewer, 'o')}`,
      `${table}-by-ids${formOf(viewer)}`,
    ),
  )

  const named: Kind<Row>['named'] = async (ctx, text, organizations) => {
    const { viewer } = ctx
    const single = only?.(viewer)
    const readable = single === undefined ? organizationsOf(viewer) : [single.organizationId]
    const within = readable.filter((id) => organizations?.includes(id) ?? true)
    const meant = await meantBy(ctx, about, 'o', text, within)
    if (meant === null || (meant.form === 'handle' && !hasHandle)) return null
    const rows = await ctx.database.read<Row>(
      Prisma.sql`
        SELECT o.* FROM ${from} WHERE o."organizationId" = ANY(${within}::uuid[]) AND ${visible(viewer, 'o')}
          AND ${meant.where} ORDER BY o.serial ${LIMIT_CHOICES}`,
      `${table}-by-${meant.form}${formOf(viewer)}`,
    )
    return theOne(ctx, about, text, rows)
  }

  const evenDeleted = async ({ database, viewer }: Context, id: string): Promise<Row | null> => {
    const [row] = await database.query<Row>(Prisma.sql`
      SELECT o.* FROM ${from}
      WHERE o.id = ${id}::uuid AND o."organizationId" = ANY(${organizationsOf(viewer)}::uuid[])`)
    return row ?? null
  }

  const mayChange = ({ viewer }: Context, row: Row | null, text: string, role: Role): Row => {
    const there = found(row, noun, text)
    allow(viewer, role, there.organizationId)
    return there
  }

  naming(about)
  isNode(ids, typeof type === 'string' ? () => type : type, byId)
  if (search !== undefined)
    isSearchable<Row>({
      ...search,
      kind: ids,
      naming: about,
      role: 'VIEWER',
      from,
      where: Prisma.sql`o."deletedAt" IS NULL`,
      organization: Prisma.sql`o."organizationId"`,
      names: search.names.map((name) => Prisma.raw(`o."${name}"`)),
      only,
    })
  return {
    ...about,
    ...(closedBy === undefined ? {} : { stream: eventsOf(noun, table, closedBy) }),
    visible,
    byId,
    named,
    async toFollow(ctx, text, isResumed) {
      const id = isResumed ? ids.read(text) : undefined
      const there =
        (await named(ctx, text)) ?? (id === undefined ? null : await evenDeleted(ctx, id))
      const row = found(there, noun, text)
      noteRight(ctx.viewer, 'VIEWER', row.organizationId)
      return row
    },
    toChange: async (ctx, text, role = 'DEVELOPER') =>
      mayChange(ctx, await named(ctx, text), text, role),
    changedBefore: async (ctx, id, role = 'DEVELOPER') =>
      mayChange(ctx, await evenDeleted(ctx, id), ids.text(id), role),
  }
}
