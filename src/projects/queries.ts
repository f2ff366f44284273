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
    description: 'A project by id, handle or address; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'Id, handle or address.' }) },
    resolve: (_root, { id }, ctx) => projects.named(ctx, id),
  }),
  projects: t.field({
    type: ProjectConnection,
    description: "The organization's projects.",
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
