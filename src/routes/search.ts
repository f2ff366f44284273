import { isSearchable } from '../addresses/index.ts'
import { Prisma, type Route } from '../generated/prisma/client.ts'
import { RouteId, routeNaming } from './route.ts'

isSearchable<Route>({
  kind: RouteId,
  naming: routeNaming,
  role: 'VIEWER',
  from: Prisma.sql`"Route" AS o`,
  where: Prisma.sql`o."deletedAt" IS NULL`,
  organization: Prisma.sql`o."organizationId"`,
  names: [Prisma.sql`o.name`, Prisma.sql`o."heldHandle"`],
  title: ({ name }) => name,
  detail: ({ handle }) => handle,
})
