import { builder } from '../builder.ts'
import { deliver, now, resumeFrom } from '../events/index.ts'
import { followArgs, followLog, LogDeliveryType } from '../logs/index.ts'
import { services } from './service.ts'
import { ServiceDeliveryType } from './types.ts'

builder.subscriptionFields((t) => ({
  serviceLogs: t.field({
    type: LogDeliveryType,
    description:
      'Publishes the log of a service. Completes when the service is deleted and its last process has exited.',
    args: {
      serviceId: t.arg.id({ required: true, description: 'Service: ID, handle or address.' }),
      ...followArgs(t.arg),
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
    description:
      'Publishes the changes of a service: status, instances, scale, deletion. Completes when the service is deleted and its last process has exited.',
    args: {
      serviceId: t.arg.id({ required: true, description: 'Service: ID, handle or address.' }),
      after: t.arg.string({
        description:
          'Cursor to resume after, or "start" for everything that is kept. Default: starts with the present state.',
      }),
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
