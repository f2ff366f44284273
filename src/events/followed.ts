import type { ObjectRef } from '@pothos/core'
import { builder } from '../builder.ts'
import type { StoredEvent } from '../streams/index.ts'
import type { FollowedKind, Owned } from '../kinds/index.ts'
import { eventPages, streamArgs, streamConnectionOf } from './connection.ts'
import { deliver, now, resumeFrom } from './deliver.ts'
import { DeliveryInterface, EventInterface, type Delivery } from './types.ts'

type Types = typeof builder.$inferSchemaTypes

const ObjectEventType = builder.objectRef<StoredEvent>('ObjectEvent').implement({
  description: 'Something that happened to an object.',
  interfaces: [EventInterface],
  fields: (t) => ({
    kind: t.exposeString('kind', { description: 'What happened, such as VERSION_CREATED.' }),
  }),
})
const ObjectEventConnection = streamConnectionOf<StoredEvent>(
  'ObjectEvent',
  ObjectEventType,
  'events',
)

interface ObjectDelivery extends Delivery {
  readonly objectId: string
  readonly events: readonly StoredEvent[]
}

/**
 * Lets objects of a kind be followed: its type `Deployment` has `events`, and there is a subscription
 * `deploymentChanged(deploymentId:)` of `DeploymentDelivery`. `description` is the subscription's.
 */
export function isFollowed<Seen extends Owned, Row extends Seen>(
  kind: FollowedKind<Row>,
  type: ObjectRef<Types, Seen>,
  description: string,
): void {
  const { noun, stream } = kind
  const rows: ObjectRef<Types, Owned> = type // whichever kind they are of
  const field = `${type.name.charAt(0).toLowerCase()}${type.name.slice(1)}`
  const pages = eventPages(stream)

  builder.objectField(type, 'events', (t) =>
    t.field({
      type: ObjectEventConnection,
      description: 'What happened to it, oldest first.',
      args: streamArgs(t.arg),
      resolve: ({ id }, args, ctx) => pages(ctx, id, args),
    }),
  )

  const DeliveryType = builder.objectRef<ObjectDelivery>(`${type.name}Delivery`).implement({
    description: `A ${noun} as it is, and what happened; first without events: the present state. Null once deleted.`,
    interfaces: [DeliveryInterface],
    fields: (t) => ({
      [field]: t.field({
        type: rows,
        nullable: true,
        description: `The ${noun} as it is now; null once deleted.`,
        resolve: ({ objectId }, _args, ctx) => kind.byId(ctx, objectId),
      }),
      events: t.field({
        type: [ObjectEventType],
        description: 'What happened.',
        resolve: ({ events }) => [...events],
      }),
    }),
  })

  builder.subscriptionField(`${field}Changed`, (t) =>
    t.field({
      type: DeliveryType,
      description,
      args: {
        [`${field}Id`]: t.arg.id({ required: true, description: 'Which: id, handle or address.' }),
        after: t.arg.string({ description: 'Cursor to resume after.' }),
      },
      subscribe: async (_root, { after, ...which }, ctx) => {
        const from = resumeFrom(ctx, after)
        const named = String(Object.values(which)[0]) // the only other argument
        const { id } = await kind.toFollow(ctx, named, from !== undefined)
        return deliver(ctx, stream.on(ctx.database.shared), id, from, {
          show: (events) => ({ objectId: id, events }),
          begin: now,
        })
      },
      resolve: ({ delivery }) => delivery,
    }),
  )
}
