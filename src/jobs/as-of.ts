import type { GraphQLResolveInfo } from 'graphql'
import type { Context } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { ListPage } from '../graph/connection.ts'
import { askedIn } from '../graph/look-ahead.ts'
import { batchedAlike } from '../kit/batched.ts'
import { writeCursor, type StreamKindName } from '../streams/index.ts'
import type { PartialJob } from './columns.ts'

/** A list with the cursor of what happens to its jobs from then on. */
export interface JobPage extends ListPage<PartialJob> {
  readonly asOf?: string
}

/** Whose jobs a list is of, as `jobsChanged` follows them. */
export type Followed = { readonly serviceId: string } | { readonly organizationId: string }

const heads = (name: string, columns: Prisma.Sql) =>
  batchedAlike(async ({ database }: Context, ids) => {
    const rows = await database.query<{ id: string; head: bigint }>(
      Prisma.sql`SELECT id, head FROM (${columns}) AS h WHERE id = ANY(${[...ids]}::uuid[])`,
      { name },
    )
    return new Map(rows.map(({ id, head }) => [id, Number(head)]))
  })
const ofServices = heads(
  'job-event-heads',
  Prisma.sql`SELECT "serviceId" AS id, head FROM "JobEventHead"`,
)
const ofOrganizations = heads(
  'organization-job-heads',
  Prisma.sql`SELECT "organizationId" AS id, head FROM "OrganizationJobHead"`,
)

const cursor = (kind: StreamKindName, id: string, head = 0): string =>
  writeCursor({ kind, id }, head)

async function asOfJobs(ctx: Context, followed: Followed): Promise<string> {
  if ('serviceId' in followed) {
    const { serviceId } = followed
    return cursor('jobs', serviceId, await ofServices(ctx, serviceId))
  }
  const { organizationId } = followed
  return cursor('all-jobs', organizationId, await ofOrganizations(ctx, organizationId))
}

/**
 * A list of jobs with its cursor, where that is asked for. The cursor is read before the jobs: what is in it may be in
 * the rows already, what is not in the rows comes after it.
 */
export async function withAsOf(
  ctx: Context,
  info: GraphQLResolveInfo,
  followed: Followed | undefined,
  find: () => Promise<ListPage<PartialJob>>,
): Promise<JobPage> {
  if (followed === undefined || !askedIn(info).has('asOf')) return find()
  const asOf = await asOfJobs(ctx, followed)
  return { ...(await find()), asOf }
}
