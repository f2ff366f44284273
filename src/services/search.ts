import { Prisma, type Service } from '../generated/prisma/client.ts'
import { isSearchable } from '../addresses/index.ts'
import { ServiceId, serviceNaming } from './service.ts'

isSearchable<Service>({
  kind: ServiceId,
  naming: serviceNaming,
  role: 'VIEWER',
  from: Prisma.sql`"Service" AS o`,
  where: Prisma.sql`o."deletedAt" IS NULL`,
  organization: Prisma.sql`o."organizationId"`,
  names: [Prisma.sql`o.name`, Prisma.sql`o."heldHandle"`],
  title: ({ name }) => name,
  detail: ({ handle, status }) => `${handle}, ${status}`,
})
