import { eventPages } from '../events/index.ts'
import { Prisma, type Service } from '../generated/prisma/client.ts'
import { childPages } from '../graph/child-pages.ts'
import { services } from './service.ts'

/** The events of a service. */
export const serviceEventPages = eventPages(services.stream)

/** The services of a deployment. */
export const servicePages = childPages<Service>({
  from: Prisma.sql`"Service"`,
  parent: 'deploymentId',
  name: 'name',
  where: Prisma.sql`o."deletedAt" IS NULL`,
})
