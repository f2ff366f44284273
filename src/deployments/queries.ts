import { builder } from '../builder.ts'
import { listArgs } from '../graph/order.ts'
import { pageOfKind, containing } from '../kinds/index.ts'
import { organizationNamed } from '../organizations/index.ts'
import { deployments, versions } from './deployment.ts'
import { DeploymentConnection, DeploymentType, VersionType } from './types.ts'

builder.queryFields((t) => ({
  deployment: t.field({
    type: DeploymentType,
    nullable: true,
    description: 'Returns a deployment; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'Deployment: ID, handle or address.' }) },
    resolve: (_root, { id }, ctx) => deployments.named(ctx, id),
  }),
  deployments: t.field({
    type: DeploymentConnection,
    description: 'Returns deployments, oldest first by default.',
    args: {
      text: t.arg.string({ description: 'Only those whose name or handle contains this.' }),
      ...listArgs(t.arg),
    },
    resolve: async (_root, { organizationId, text, ...args }, ctx) =>
      pageOfKind(
        ctx,
        deployments,
        { ...args, organizationId: await organizationNamed(ctx, organizationId) },
        [containing(text)],
      ),
  }),
  deploymentVersion: t.field({
    type: VersionType,
    nullable: true,
    description: 'Returns a version of a deployment; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'Version: ID or address.' }) },
    resolve: (_root, { id }, ctx) => versions.named(ctx, id),
  }),
}))
