import { confinedTo } from '../auth/viewer.ts'
import { Prisma, type Project } from '../generated/prisma/client.ts'
import { ProjectId } from '../organizations/index.ts'
import { isSearchable } from '../addresses/index.ts'
import { projectNaming } from './project.ts'

isSearchable<Project>({
  kind: ProjectId,
  naming: projectNaming,
  role: 'VIEWER',
  from: Prisma.sql`"Project" AS o`,
  where: Prisma.sql`o."deletedAt" IS NULL`,
  organization: Prisma.sql`o."organizationId"`,
  names: [Prisma.sql`o.name`, Prisma.sql`o."heldHandle"`],
  only: confinedTo,
  title: ({ name }) => name,
  detail: ({ handle }) => handle,
})
