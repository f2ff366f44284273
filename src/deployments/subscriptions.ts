import { builder } from '../builder.ts'
import { deliver, now, resumeFrom } from '../events/index.ts'
import { deployments } from './deployment.ts'
import { DeploymentDeliveryType } from './types.ts'

builder.subscriptionField('deploymentChanged', (t) =>
  t.field({
    type: DeploymentDeliveryType,
    description: 'A deployment: versions, rollouts, rollbacks.',
    args: {
      deploymentId: t.arg.id({ required: true, description: 'Which: id, handle or address.' }),
      after: t.arg.string({ description: 'Cursor to resume after.' }),
    },
    subscribe: async (_root, { deploymentId, after }, ctx) => {
      const from = resumeFrom(ctx, after)
      const { id } = await deployments.toFollow(ctx, deploymentId, from !== undefined)
      return deliver(ctx, deployments.stream.on(ctx.database.shared), id, from, {
        show: (events) => ({ deploymentId: id, events }),
        begin: now,
      })
    },
    resolve: ({ delivery }) => delivery,
  }),
)
