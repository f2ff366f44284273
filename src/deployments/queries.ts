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
    description: 'A deployment by id, handle or address; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'Id, handle or address.' }) },
    resolve: (_root, { id }, ctx) => deployments.named(ctx, id),
  }),
  deployments: t.field({
    type: DeploymentConnection,
    description: "The organization's deployments.",
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
    description: 'A version of a deployment by id or address; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'Id or address.' }) },
    resolve: (_root, { id }, ctx) => versions.named(ctx, id),
  }),
}))
