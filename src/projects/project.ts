import { naming } from '../addresses/index.ts'
import { ProjectId } from '../organizations/index.ts'

export const projectNaming = naming({
  kind: ProjectId,
  noun: 'project',
  table: 'Project',
  within: ['organization'],
})
