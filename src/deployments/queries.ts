import { builder } from '../builder.ts'
import { organizationFor, requireCredential } from '../auth/viewer.ts'
import { maxPage, pageArgs, pageBySerial } from '../graph/connection.ts'
import { sought } from '../kit/names.ts'
import { organizationNamed } from '../organizations/index.ts'
import { deploymentNamed, versionNamed, visible } from './store.ts'
import { DeploymentConnection, DeploymentType, VersionType } from './types.ts'

builder.queryFields((t) => ({
  deployment: t.field({
    type: DeploymentType,
    nullable: true,
    description: 'A deployment by id, handle or address; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'Id, handle or address.' }) },
    resolve: (_root, { id }, ctx) => deploymentNamed(ctx, id),
  }),
  deployments: t.field({
    type: DeploymentConnection,
    description: "The organization's deployments, oldest first.",
    args: {
      organizationId: t.arg.id({
        description: "Only this organization's; all of the caller's when absent.",
      }),
      text: t.arg.string({ description: 'Only those whose name or handle contains this.' }),
      ...pageArgs(t.arg),
    },
    resolve: async (_root, { organizationId, text, ...args }, ctx) => {
      requireCredential(ctx.viewer)
      const named = await organizationNamed(ctx, organizationId)
      if (named !== undefined) organizationFor(ctx.viewer, 'VIEWER', named)
      const { deployment } = ctx.database.prisma
      const where = {
        ...visible(ctx),
        ...(named === undefined ? {} : { organizationId: named }),
        ...(text == null
          ? {}
          : {
              OR: [
                { name: { contains: sought(text, 'text'), mode: 'insensitive' as const } },
                { handle: { contains: text.toLowerCase() } },
              ],
            }),
      }
      return pageBySerial(
        args,
        (query) => deployment.findMany({ ...query, where: { AND: [where, query.where] } }),
        () => deployment.count({ where }),
        maxPage(ctx),
      )
    },
  }),
  deploymentVersion: t.field({
    type: VersionType,
    nullable: true,
    description: 'A version of a deployment by id or address; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'Id or address.' }) },
    resolve: (_root, { id }, ctx) => versionNamed(ctx, id),
  }),
}))
