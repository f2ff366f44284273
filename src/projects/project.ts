import { confinedTo } from '../auth/viewer.ts'
import type { Project } from '../generated/prisma/client.ts'
import { kindOf } from '../kinds/index.ts'
import { ProjectId } from '../organizations/index.ts'

export const projects = kindOf<Project>({
  kind: ProjectId,
  noun: 'project',
  table: 'Project',
  type: 'Project',
  within: ['organization'],
  only: confinedTo,
  search: {
    names: ['name', 'heldHandle'],
    title: ({ name }) => name,
    detail: ({ handle }) => handle,
  },
})
