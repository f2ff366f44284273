import { allow, organizationsOf, requireCredential } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { deliver, now, pageOfStream, resumeFrom, streamArgs } from '../events/index.ts'
import { Forbidden } from '../kit/errors.ts'
import { organizationNamed } from '../organizations/index.ts'
import { auditStream, countAudit, isWanted, readAudit } from '../streams/index.ts'
import {
  ActivityConnection,
  ActivityDeliveryType,
  ActivityFilterInput,
  auditFilter,
} from './types.ts'

/** The organization whose history is meant: the one named, else the oldest of the viewer's. */
async function organizationOf(ctx: Context, named: string | null | undefined): Promise<string> {
  requireCredential(ctx.viewer)
  const id = (await organizationNamed(ctx, named)) ?? organizationsOf(ctx.viewer)[0]
  if (id === undefined) throw new Forbidden('VIEWER')
  allow(ctx.viewer, 'VIEWER', id)
  return id
}

const whose =
  'Organization: ID, handle or address. Default: the organization that the caller has been a member of for longest.'

builder.queryField('activity', (t) =>
  t.field({
    type: ActivityConnection,
    description:
      'Returns the history of the organization, newest first: who changed what, and when. Most changes of jobs are not included; jobs have events of their own.',
    args: {
      organizationId: t.arg.id({ description: whose }),
      filter: t.arg({
        type: ActivityFilterInput,
        description: 'Criteria. Default: all entries.',
      }),
      ...streamArgs(t.arg, 'newest first'),
    },
    resolve: async (_root, { organizationId, filter, ...args }, ctx) => {
      const id = await organizationOf(ctx, organizationId)
      const wanted = auditFilter(filter)
      return pageOfStream(
        { kind: 'audit', id },
        args,
        (range) => readAudit(ctx.database, id, { ...range, filter: wanted }),
        () => countAudit(ctx.database, id, wanted),
        'newest first',
      )
    },
  }),
)

builder.subscriptionField('organizationChanged', (t) =>
  t.field({
    type: ActivityDeliveryType,
    description:
      'Publishes the history of the organization: who changed what, as it happens. Most changes of jobs are not included; see `jobsChanged`.',
    args: {
      organizationId: t.arg.id({ description: whose }),
      after: t.arg.string({
        description:
          'Cursor to resume after, or "start" for everything that is kept. Default: starts at present, with a delivery without entries.',
      }),
      filter: t.arg({
        type: ActivityFilterInput,
        description: 'Criteria. Default: all entries.',
      }),
    },
    subscribe: async (_root, { organizationId, after, filter }, ctx) => {
      const id = await organizationOf(ctx, organizationId)
      const wanted = auditFilter(filter)
      return deliver(ctx, auditStream(ctx.database.shared), id, resumeFrom(ctx, after), {
        show: (activities) => ({ activities }),
        begin: now,
        isWanted: wanted && ((entry) => isWanted(entry, wanted)),
      })
    },
    resolve: ({ delivery }) => delivery,
  }),
)
