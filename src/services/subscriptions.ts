import { builder } from '../builder.ts'
import { deliver, now, resumeFrom } from '../events/index.ts'
import { followLog, LogDeliveryType, LogFilterInput } from '../logs/index.ts'
import { services } from './service.ts'
import { ServiceDeliveryType } from './types.ts'

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
      const isResumed = resumeFrom(ctx, args.after) !== undefined
      const { id } = await services.toFollow(ctx, serviceId, isResumed)
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
      const from = resumeFrom(ctx, after)
      const { id } = await services.toFollow(ctx, serviceId, from !== undefined)
      return deliver(ctx, services.stream.on(ctx.database.shared), id, from, {
        show: (events) => ({ serviceId: id, events }),
        begin: now,
      })
    },
    resolve: ({ delivery }) => delivery,
  }),
}))
