import { Prisma, type Organization, type User } from '../generated/prisma/client.ts'
import { isSearchable } from '../kinds/index.ts'
import { OrganizationId, organizations, UserId } from './organization.ts'

isSearchable<Organization>({
  kind: OrganizationId,
  naming: organizations,
  role: 'VIEWER',
  from: Prisma.sql`"Organization" AS o`,
  where: Prisma.sql`true`,
  organization: Prisma.sql`o.id`,
  names: [Prisma.sql`o.name`, Prisma.sql`o.handle`],
  title: ({ name }) => name,
  detail: ({ handle }) => handle,
})

isSearchable<User>({
  kind: UserId,
  role: 'VIEWER',
  from: Prisma.sql`"User" AS o JOIN "Membership" AS m ON m."userId" = o.id`,
  where: Prisma.sql`true`,
  organization: Prisma.sql`m."organizationId"`,
  names: [Prisma.sql`o.email`, Prisma.sql`o.name`],
  title: ({ name, email }) => name ?? email,
  detail: ({ email }) => email,
})
