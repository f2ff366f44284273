import { allow } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import { OrganizationType } from '../organizations/index.ts'
import { usageOf, type Usage } from './store.ts'

const UsageType = builder.objectRef<Usage>('Usage').implement({
  description: 'What is kept, against its limits (null: none).',
  fields: (t) => ({
    logBytes: t.field({
      type: 'SafeInt',
      description:
        'Bytes of text in the logs of services and jobs, those of deleted services too until retention takes them.',
      resolve: ({ logBytes }) => logBytes,
    }),
    archiveBytes: t.field({
      type: 'SafeInt',
      description:
        'Bytes of the archives of all versions; equal archives are kept, and counted, once.',
      resolve: ({ archiveBytes }) => archiveBytes,
    }),
    jobsStored: t.field({
      type: 'SafeInt',
      description:
        'Jobs in every state, those that have ended too until they expire; from counters.',
      resolve: ({ jobsStored }) => jobsStored,
    }),
    logRetentionSeconds: t.field({
      type: 'SafeInt',
      nullable: true,
      description: 'How long log lines are kept; null keeps them forever.',
      resolve: (_usage, _args, { config: { logRetentionMs } }) =>
        logRetentionMs === 0 ? null : Math.ceil(logRetentionMs / 1000),
    }),
  }),
})

builder.objectField(OrganizationType, 'usage', (t) =>
  t.field({
    type: UsageType,
    description: 'What it keeps here. Needs VIEWER.',
    resolve: async ({ id }, _args, ctx) => {
      allow(ctx.viewer, 'VIEWER', id)
      return (await usageOf(ctx, id)) ?? { id, logBytes: 0n, archiveBytes: 0n, jobsStored: 0n }
    },
  }),
)
