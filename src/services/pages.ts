import { eventPages } from '../events/index.ts'
import type { Service } from '../generated/prisma/client.ts'
import { childPages } from '../graph/child-pages.ts'
import { services } from './service.ts'

/** The events of a service. */
export const serviceEventPages = eventPages(services.stream)

/** The services of a deployment. */
export const servicePages = childPages<Service>(
  async ({ database: { prisma } }, deployments, query) => {
    const services = { ...query, where: { ...query.where, deletedAt: null } }
    const rows = await prisma.deployment.findMany({
      where: { id: { in: [...deployments] } },
      select: { id: true, services },
    })
    return new Map(rows.map((row) => [row.id, row.services]))
  },
  async ({ database: { prisma } }, deployments) => {
    const rows = await prisma.service.groupBy({
      by: ['deploymentId'],
      where: { deploymentId: { in: [...deployments] }, deletedAt: null },
      _count: true,
    })
    return new Map(rows.map((row) => [row.deploymentId ?? '', row._count]))
  },
)
