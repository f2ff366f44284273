import { Prisma, type Token } from '../generated/prisma/client.ts'
import { TokenId } from '../organizations/index.ts'
import { isSearchable } from '../kinds/index.ts'

isSearchable<Token>({
  kind: TokenId,
  role: 'ADMIN',
  from: Prisma.sql`"Token" AS o`,
  where: Prisma.sql`o."serviceId" IS NULL AND o."userId" IS NULL`,
  organization: Prisma.sql`o."organizationId"`,
  names: [Prisma.sql`o.name`],
  title: ({ name }) => name,
  detail: ({ role, revokedAt }) => (revokedAt === null ? role : `${role}, revoked`),
})
