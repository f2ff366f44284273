import { builder } from '../builder.ts'
import { listArgs } from '../graph/order.ts'
import { called, containing, pageOfKind } from '../kinds/index.ts'
import { organizationNamed } from '../organizations/index.ts'
import { deployments, versions } from './deployment.ts'
import { DeploymentConnection, DeploymentType, VersionType } from './types.ts'

const DeploymentFilterInput = builder.inputType('DeploymentFilter', {
  description: 'Criteria for deployments: a deployment must match all of them.',
  fields: (t) => ({
    names: t.stringList({ description: 'Exact names. Matches a deployment that has any of them.' }),
    text: t.string({ description: 'Part of the name or handle, ignoring case.' }),
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
