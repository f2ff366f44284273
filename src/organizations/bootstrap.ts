import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hashSecret, newSecret } from '../auth/secrets.ts'
import type { Database } from '../db/database.ts'
import { DEFAULT_HANDLE, OrganizationId, TokenId, UserId } from './organization.ts'

/**
 * Sees to it that the default organization, the user `admin` and the admin token exist. The token is what
 * ADMIN_TOKEN says, else what the file `admin-token` in the data folder says, else a new one written there. On a
 * shared server, servers that start together make one of each.
 */
export async function bootstrap(
  { prisma }: Database,
  dataDir: string,
  adminToken: string | undefined,
): Promise<{ tokenFile: string | undefined }> {
  const organization = await prisma.organization.upsert({
    where: { handle: DEFAULT_HANDLE },
    create: { id: OrganizationId.make(), handle: DEFAULT_HANDLE, name: 'Default' },
    update: {},
  })
  const user = await prisma.user.upsert({
    where: { email: 'admin' },
    create: { id: UserId.make(), email: 'admin', name: 'Administrator', isServerAdmin: true },
    update: {},
  })
  const key = { userId: user.id, organizationId: organization.id }
  await prisma.membership.upsert({
    where: { userId_organizationId: key },
    create: { ...key, role: 'ADMIN' },
    update: {},
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
