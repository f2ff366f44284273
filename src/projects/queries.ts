import { builder } from '../builder.ts'
import { listArgs } from '../graph/order.ts'
import { pageOfKind } from '../kinds/index.ts'
import { organizationNamed } from '../organizations/index.ts'
import { projects } from './project.ts'
import { ProjectConnection, ProjectType } from './types.ts'

builder.queryFields((t) => ({
  project: t.field({
    type: ProjectType,
    nullable: true,
    description: 'Returns a project; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'Project: ID, handle or address.' }) },
    resolve: (_root, { id }, ctx) => projects.named(ctx, id),
  }),
  projects: t.field({
    type: ProjectConnection,
    description: 'Returns projects, oldest first by default.',
    args: {
      ...listArgs(t.arg),
    },
    resolve: async (_root, { organizationId, ...args }, ctx) =>
      pageOfKind(ctx, projects, {
        ...args,
        organizationId: await organizationNamed(ctx, organizationId),
      }),
  }),
}))
