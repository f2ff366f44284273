import { allow } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import { OrganizationType } from '../organizations/index.ts'
import { usageOf, type Usage } from './store.ts'

const UsageType = builder.objectRef<Usage>('Usage').implement({
  description: 'Storage that the organization uses, in total.',
  fields: (t) => ({
    logBytes: t.field({
      type: 'SafeInt',
      description:
        'Size of the text of all log lines of services and jobs, in bytes. Logs of deleted services count until retention removes them.',
      resolve: ({ logBytes }) => logBytes,
    }),
    archiveBytes: t.field({
      type: 'SafeInt',
      description:
        'Size of the archives of all deployment versions, in bytes. Identical archives are stored and counted once.',
      resolve: ({ archiveBytes }) => archiveBytes,
    }),
    jobsStored: t.field({
      type: 'SafeInt',
      description: 'Number of jobs in every state, including finished ones until they expire.',
      resolve: ({ jobsStored }) => jobsStored,
    }),
    logRetentionSeconds: t.field({
      type: 'SafeInt',
      nullable: true,
      description: 'Time that log lines are kept, in seconds. Null when they are kept forever.',
      resolve: (_usage, _args, { config: { logRetentionMs } }) =>
        logRetentionMs === 0 ? null : Math.ceil(logRetentionMs / 1000),
    }),
  }),
})

builder.objectField(OrganizationType, 'usage', (t) =>
  t.field({
    type: UsageType,
    description: 'Storage that the organization uses. Requires the VIEWER role.',
    resolve: async ({ id }, _args, ctx) => {
      allow(ctx.viewer, 'VIEWER', id)
      return (await usageOf(ctx, id)) ?? { id, logBytes: 0n, archiveBytes: 0n, jobsStored: 0n }
    },
  }),
)
