import { addressable, AddressableInterface } from '../addresses/index.ts'
import { builder } from '../builder.ts'
import type { Project } from '../generated/prisma/client.ts'
import { connectionOf } from '../graph/connection.ts'
import { NodeInterface } from '../graph/node.ts'
import { openToWorkers } from '../graph/workers.ts'
import { ProjectId } from '../organizations/index.ts'
import { projects } from './project.ts'

export const ProjectType = builder.prismaObject('Project', {
  description: 'A folder of an organization, and what a token can be confined to.',
  // of a WORKER whose token is good for it alone
  extensions: openToWorkers(['id', 'name', 'handle', 'address', 'addresses', 'createdAt']),
  interfaces: [NodeInterface, AddressableInterface],
  fields: (t) => ({
    id: t.id({ description: 'Canonical id.', resolve: ({ id }) => ProjectId.text(id) }),
    name: t.exposeString('name', { description: 'For people.' }),
    handle: t.exposeString('handle', {
      description: 'Unique in the organization; `default` is always there.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
  }),
})
export const ProjectConnection = connectionOf<Project>('Project', ProjectType, 'projects')

addressable(ProjectType, projects)
