import { addressable, AddressableInterface } from '../addresses/index.ts'
import { builder } from '../builder.ts'
import type { Project } from '../generated/prisma/client.ts'
import { connectionOf } from '../graph/connection.ts'
import { NodeInterface } from '../graph/node.ts'
import { openToWorkers } from '../graph/workers.ts'
import { ProjectId } from '../organizations/index.ts'
import { projects } from './project.ts'

export const ProjectType = builder.prismaObject('Project', {
  description: 'A group of jobs within an organization. A token can be confined to one project.',
  // of a WORKER whose token is good for it alone
  extensions: openToWorkers(['id', 'name', 'handle', 'address', 'addresses', 'createdAt']),
  interfaces: [NodeInterface, AddressableInterface],
  fields: (t) => ({
    id: t.id({ description: 'ID of the project.', resolve: ({ id }) => ProjectId.text(id) }),
    name: t.exposeString('name', { description: 'Name for people. It need not be unique.' }),
    handle: t.exposeString('handle', {
      description:
        'Short name for URLs and commands, unique in the organization. Every organization has the project `default`.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'Time of creation.' }),
  }),
})
export const ProjectConnection = connectionOf<Project>('Project', ProjectType, 'projects')

addressable(ProjectType, projects)
