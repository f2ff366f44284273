import { builder } from '../builder.ts'
import { listArgs } from '../graph/order.ts'
import { called, containing, pageOfKind } from '../kinds/index.ts'
import { organizationNamed } from '../organizations/index.ts'
import { deployments, versions } from './deployment.ts'
import { DeploymentConnection, DeploymentType, VersionType } from './types.ts'

const DeploymentFilterInput = builder.inputType('DeploymentFilter', {
  description:
    'Criteria for deployments. A deployment must meet all criteria that are given. A list means any of its entries.',
  fields: (t) => ({
    names: t.stringList({ description: 'Exact names.' }),
    text: t.string({
      description: 'Substring of the name or handle, ignoring case; at most 1,000 characters.',
    }),
  }),
})

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
      filter: t.arg({
        type: DeploymentFilterInput,
        description: 'Criteria. Default: all deployments.',
      }),
      ...listArgs(t.arg),
    },
    resolve: async (_root, { organizationId, filter, ...args }, ctx) =>
      pageOfKind(
        ctx,
        deployments,
        { ...args, organizationId: await organizationNamed(ctx, organizationId) },
        [called(filter?.names), containing(filter?.text)],
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
