import { builder } from '../builder.ts'
import { listArgs } from '../graph/order.ts'
import { called, containing, pageOfKind } from '../kinds/index.ts'
import { organizationNamed } from '../organizations/index.ts'
import { projects } from './project.ts'
import { ProjectConnection, ProjectType } from './types.ts'

const ProjectFilterInput = builder.inputType('ProjectFilter', {
  description: 'Criteria for projects: a project must match all of them.',
  fields: (t) => ({
    names: t.stringList({ description: 'Exact names. Matches a project that has any of them.' }),
    text: t.string({ description: 'Part of the name or handle, ignoring case.' }),
  }),
})

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
      filter: t.arg({ type: ProjectFilterInput, description: 'Criteria. Default: all projects.' }),
      ...listArgs(t.arg),
    },
    resolve: async (_root, { organizationId, filter, ...args }, ctx) =>
      pageOfKind(
        ctx,
        projects,
        { ...args, organizationId: await organizationNamed(ctx, organizationId) },
        [called(filter?.names), containing(filter?.text)],
      ),
  }),
}))
