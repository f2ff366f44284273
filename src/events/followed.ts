import type { ObjectRef } from '@pothos/core'
import { builder } from '../builder.ts'
import type { StoredEvent } from '../streams/index.ts'
import type { FollowedKind, Owned } from '../kinds/index.ts'
import { eventPages, streamArgs, streamConnectionOf } from './connection.ts'
import { deliver, now, resumeFrom } from './deliver.ts'
import { DeliveryInterface, EventInterface, type Delivery } from './types.ts'

type Types = typeof builder.$inferSchemaTypes

interface ObjectDelivery extends Delivery {
  readonly objectId: string
  readonly events: readonly StoredEvent[]
}

/**
 * Lets objects of a kind be followed: its type `Deployment` has `events`, each a `DeploymentEvent`, and there is a
 * subscription `deploymentChanged(deploymentId:)` of `DeploymentDelivery`. `description` is the subscription's;
 * `kinds` are those of its events beyond creation, update and deletion.
 */
export function isFollowed<Seen extends Owned, Row extends Seen>(
  kind: FollowedKind<Row>,
  type: ObjectRef<Types, Seen>,
  description: string,
  kinds: Readonly<Record<string, { readonly description: string }>> = {},
): void {
  const { noun, stream } = kind
  const rows: ObjectRef<Types, Owned> = type // whichever kind they are of
  const field = `${type.name.charAt(0).toLowerCase()}${type.name.slice(1)}`
  const pages = eventPages(stream)

  const KindType = builder.enumType(`${type.name}EventKind`, {
    description: `Kind of an event of a ${noun}.`,
    values: {
      CREATED: { description: `The ${noun} was created.` },
      UPDATED: { description: `The ${noun} was updated.` },
      DELETED: { description: `The ${noun} was deleted.` },
      ...kinds,
    },
  })
  const EventType = builder.objectRef<StoredEvent>(`${type.name}Event`).implement({
    description: `An event of a ${noun}.`,
    interfaces: [EventInterface],
    fields: (t) => ({
      kind: t.field({
        type: KindType,
        description: 'Kind of the event.',
        resolve: ({ kind: told }) => told as 'CREATED', // its concept alone writes its events, of these kinds
      }),
    }),
  })
  const EventConnection = streamConnectionOf<StoredEvent>(`${type.name}Event`, EventType, 'events')

  builder.objectField(type, 'events', (t) =>
    t.field({
      type: EventConnection,
      description: `Events of the ${noun}, oldest first.`,
      args: streamArgs(t.arg),
      resolve: ({ id }, args, ctx) => pages(ctx, id, args),
    }),
  )

  const DeliveryType = builder.objectRef<ObjectDelivery>(`${type.name}Delivery`).implement({
    description: `The present state of a ${noun} and its new events. The first delivery without \`after\` has no events.`,
    interfaces: [DeliveryInterface],
    fields: (t) => ({
      [field]: t.field({
        type: rows,
        nullable: true,
        description: `The ${noun} in its present state. Null once it is deleted.`,
        resolve: ({ objectId }, _args, ctx) => kind.byId(ctx, objectId),
      }),
      events: t.field({
        type: [EventType],
        description: 'New events, oldest first.',
        resolve: ({ events }) => [...events],
      }),
    }),
  })

  builder.subscriptionField(`${field}Changed`, (t) =>
    t.field({
      type: DeliveryType,
      description,
      args: {
        [`${field}Id`]: t.arg.id({
          required: true,
          description: `${type.name}: ID, handle or address.`,
        }),
        after: t.arg.string({
          description:
            'Cursor to resume after, or "start" for everything that is kept. Default: starts with the present state.',
        }),
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
