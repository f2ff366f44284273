import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hashSecret, newSecret } from '../auth/secrets.ts'
import type { Database } from '../db/database.ts'
import { DEFAULT_HANDLE } from '../kit/names.ts'
import { OrganizationId, TokenId, UserId } from './organization.ts'
import { defaultProject } from './store.ts'

/**
 * Sees to it that the default organization, the user `admin` and the admin token exist, and that every organization
 * has its project `default`. The token is what
 * ADMIN_TOKEN says, else what the file `admin-token` in the data folder says, else a new one written there. On a
 * shared server, servers that start together make one of each.
 */
export async function bootstrap(
  { prisma }: Database,
  dataDir: string,
  adminToken: string | undefined,
): Promise<{ tokenFile: string | undefined }> {
  // inserts that stand back before what is there: an upsert of Prisma's would fail when two servers race
  await prisma.organization.createMany({
    data: [{ id: OrganizationId.make(), handle: DEFAULT_HANDLE, name: 'Default' }],
    skipDuplicates: true,
  })
  await prisma.user.createMany({
    data: [{ id: UserId.make(), email: 'admin', name: 'Administrator', isServerAdmin: true }],
    skipDuplicates: true,
  })
  const [organization, user] = await Promise.all([
    prisma.organization.findUniqueOrThrow({ where: { handle: DEFAULT_HANDLE } }),
    prisma.user.findFirstOrThrow({ where: { email: 'admin', organizationId: null } }),
  ])
  await prisma.membership.createMany({
    data: [{ userId: user.id, organizationId: organization.id, role: 'ADMIN' }],
    skipDuplicates: true,
  })
  // those of organizations from before there were projects too
  const bare = await prisma.organization.findMany({
    where: { projects: { none: { heldHandle: DEFAULT_HANDLE } } },
    select: { id: true },
  })
  await prisma.project.createMany({
    data: bare.map(({ id }) => defaultProject(id)),
    skipDuplicates: true,
  })
  const file = join(dataDir, 'admin-token')
  const secret = adminToken ?? (await keptToken(file))
  const hash = hashSecret(secret)
  await prisma.token.createMany({
    data: [{ id: TokenId.make(), name: 'admin', hash, userId: user.id, role: 'ADMIN' }],
    skipDuplicates: true,
  })
  return { tokenFile: adminToken === undefined ? file : undefined }
}

async function keptToken(file: string): Promise<string> {
  if (existsSync(file)) return (await readFile(file, 'utf8')).trim()
  const secret = newSecret()
  await writeFile(file, `${secret}\n`, { mode: 0o600 })
  return secret
}
