import { noteRight } from '../auth/noted-rights.ts'
import { found } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import { deliver, now, resumeFrom } from '../events/index.ts'
import { deploymentEvents } from './deployment.ts'
import { deploymentNamed } from './store.ts'
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
      const named = await deploymentNamed(ctx, deploymentId)
      const { id, organizationId } = found(named, 'deployment', deploymentId)
      noteRight(ctx.viewer, 'VIEWER', organizationId)
      return deliver(ctx, deploymentEvents(ctx.database.shared), id, resumeFrom(ctx, after), {
        show: (events) => ({ deploymentId: id, events }),
        begin: now,
      })
    },
    resolve: ({ delivery }) => delivery,
  }),
)
