import { noteRight } from '../auth/noted-rights.ts'
import { found } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { deliver, now, resumeFrom } from '../events/index.ts'
import type { Service } from '../generated/prisma/client.ts'
import { followLog, LogDeliveryType, LogFilterInput } from '../logs/index.ts'
import { serviceEvents } from './service.ts'
import { serviceEvenDeleted, serviceNamed } from './store.ts'
import { ServiceDeliveryType } from './types.ts'

/** The service to follow. Whoever resumes from a cursor may follow a deleted one to its end. */
async function followed(
  ctx: Context,
  text: string,
  after: string | null | undefined,
): Promise<Service> {
  const service = await serviceNamed(ctx, text)
  const deleted =
    service === null && resumeFrom(ctx, after) !== undefined
      ? await serviceEvenDeleted(ctx, text)
      : null
  const row = found(service ?? deleted, 'service', text)
  noteRight(ctx.viewer, 'VIEWER', row.organizationId)
  return row
}

builder.subscriptionFields((t) => ({
  serviceLogs: t.field({
    type: LogDeliveryType,
    description:
      "A service's log. It ends when the service is deleted and its last process is gone.",
    args: {
      serviceId: t.arg.id({ required: true, description: 'Which: id, handle or address.' }),
      after: t.arg.string({ description: 'Cursor to resume after; "start" for everything kept.' }),
      last: t.arg.int({
        defaultValue: 10,
        description: 'Without `after`: how many lines to begin with, at most 1000.',
      }),
      filter: t.arg({ type: LogFilterInput, description: 'Which lines.' }),
    },
    subscribe: async (_root, { serviceId, ...args }, ctx) => {
      const { id } = await followed(ctx, serviceId, args.after)
      return followLog(ctx, id, args)
    },
    resolve: ({ delivery }) => delivery,
  }),
  serviceChanged: t.field({
    type: ServiceDeliveryType,
    description: 'A service: status, instances, scale, deletion.',
    args: {
      serviceId: t.arg.id({ required: true, description: 'Which: id, handle or address.' }),
      after: t.arg.string({ description: 'Cursor to resume after; "start" for everything kept.' }),
    },
    subscribe: async (_root, { serviceId, after }, ctx) => {
      const { id } = await followed(ctx, serviceId, after)
      return deliver(ctx, serviceEvents(ctx.database.shared), id, resumeFrom(ctx, after), {
        show: (events) => ({ serviceId: id, events }),
        begin: now,
      })
    },
    resolve: ({ delivery }) => delivery,
  }),
}))
