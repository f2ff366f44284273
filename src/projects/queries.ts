import { organizationFor, requireCredential } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import { pageArgs, pageBySerial } from '../graph/connection.ts'
import { organizationNamed } from '../organizations/index.ts'
import { projectNamed, visible } from './store.ts'
import { ProjectConnection, ProjectType } from './types.ts'

builder.queryFields((t) => ({
  project: t.field({
    type: ProjectType,
    nullable: true,
    description: 'A project by id, handle or address; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'Id, handle or address.' }) },
    resolve: (_root, { id }, ctx) => projectNamed(ctx, id),
  }),
  projects: t.field({
    type: ProjectConnection,
    description: "The organization's projects, oldest first.",
    args: {
      organizationId: t.arg.id({
        description: "Only this organization's; all of the caller's when absent.",
      }),
      ...pageArgs(t.arg),
    },
    resolve: async (_root, { organizationId, ...args }, ctx) => {
      requireCredential(ctx.viewer)
      const named = await organizationNamed(ctx, organizationId)
      if (named !== undefined) organizationFor(ctx.viewer, 'VIEWER', named)
      const where = {
        AND: [visible(ctx), named === undefined ? {} : { organizationId: named }],
      }
      const { project } = ctx.database.prisma
      return pageBySerial(
        args,
        (query) => project.findMany({ ...query, where: { AND: [where, query.where] } }),
        () => project.count({ where }),
      )
    },
  }),
}))
