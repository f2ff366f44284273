import type { Context, Platform } from '../../context.ts'
import { Unavailable } from '../../kit/errors.ts'
import { DEFAULT_HANDLE } from '../../kit/names.ts'

/**
 * Why an organization may not run processes on this server; undefined where it may. Where there is no wall between
 * programs and the server, whoever may deploy is trusted with the server, so only the first organization may.
 */
export async function whyNotHere(
  { runtime, config, database }: Platform,
  organizationId: string,
): Promise<string | undefined> {
  const { unwalled } = runtime
  if (unwalled === undefined || config.unwalledOrganizations === 'all') return undefined
  const { handle } = await database.prisma.organization.findUniqueOrThrow({
    where: { id: organizationId },
    select: { handle: true },
  })
  if (handle === DEFAULT_HANDLE) return undefined
  return `Only the organization "${DEFAULT_HANDLE}" may run processes on this server. ${unwalled} With UNWALLED_ORGANIZATIONS=all every organization may.`
}

/** Throws Unavailable where an organization may not run processes on this server. */
export async function allowProcesses(ctx: Context, organizationId: string): Promise<void> {
  const why = await whyNotHere(ctx, organizationId)
  if (why !== undefined) throw new Unavailable('NO_WALLS', why)
}
