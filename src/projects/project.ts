import { decimal, type Naming } from '../addresses/index.ts'
import { ProjectId } from '../organizations/index.ts'

export const projectNaming: Naming = {
  kind: ProjectId,
  noun: 'project',
  spellings: { AUGER: decimal },
}
