import { builder } from '../builder.ts'
import { ActorType } from '../organizations/index.ts'
import type { Actor } from '../kit/actor.ts'
import type { FieldChange } from '../streams/events.ts'
import type { Gap } from '../streams/stream.ts'

const ChangeType = builder.objectRef<FieldChange>('Change').implement({
  description: 'Change of one field. Secrets are masked.',
  fields: (t) => ({
    field: t.exposeString('field', { description: 'Name of the field.' }),
    from: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Value before the change. Null when there was none.',
      resolve: ({ from }) => from ?? null,
    }),
    to: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Value after the change. Null when there is none.',
      resolve: ({ to }) => to ?? null,
    }),
  }),
})

/** What every kind of event has. */
export interface AnyEvent {
  readonly number: number
  readonly at: Date
  readonly actor: Actor
  readonly changes: readonly FieldChange[]
}

export const EventInterface = builder.interfaceRef<AnyEvent>('StreamEvent').implement({
  description: 'An event: something that happened, recorded once in one stream.',
  fields: (t) => ({
    number: t.field({
      type: 'SafeInt',
      description: 'Number of the event in its stream. Numbers start at 1 and have no gaps.',
      resolve: ({ number }) => number,
    }),
    at: t.field({
      type: 'DateTime',
      description:
        'Time of the event. Within the stream of one object times never decrease. Events of the jobs of a service are in the order in which they were committed.',
      resolve: ({ at }) => at,
    }),
    actor: t.field({
      type: ActorType,
      description: 'Actor who caused the event.',
      resolve: ({ actor }) => actor,
    }),
    changes: t.field({
      type: [ChangeType],
      description: 'Fields that changed.',
      resolve: ({ changes }) => [...changes],
    }),
  }),
})

const GapReasonType = builder.enumType('GapReason', {
  description: 'Reason why entries of a stream are missing.',
  values: {
    RETENTION: { description: 'Retention removed them because of their age or number.' },
    RESTORED: { description: 'The database was restored to a state before the cursor.' },
  } as const,
})

export const StreamGapType = builder.objectRef<Gap>('StreamGap').implement({
  description: 'A range of entries that are no longer available, delivered in their place.',
  fields: (t) => ({
    from: t.field({
      type: 'SafeInt',
      description: 'Number of the first missing entry.',
      resolve: ({ from }) => from,
    }),
    to: t.field({
      type: 'SafeInt',
      description: 'Number of the last missing entry.',
      resolve: ({ to }) => to,
    }),
    reason: t.field({
      type: GapReasonType,
      description: 'Reason why they are missing.',
      resolve: ({ reason }) => reason,
    }),
  }),
})

const StreamEndType = builder.objectRef<{ lastNumber: number }>('StreamEnd').implement({
  description:
    'Marks the end of a stream that is complete at present. The subscription completes. A stream can continue later, for example when `amendJob` puts a finished job back into its queue.',
  fields: (t) => ({
    lastNumber: t.field({
      type: 'SafeInt',
      description:
        'Number of the last entry. A client that has the entries 1 to this one, apart from gaps, has all of them.',
      resolve: ({ lastNumber }) => lastNumber,
    }),
  }),
})

/** What every subscription delivers. */
export interface Delivery {
  readonly cursor: string
  readonly gap?: Gap | undefined
  readonly end?: { lastNumber: number } | undefined
}

export const DeliveryInterface = builder.interfaceRef<Delivery>('Delivery').implement({
  description:
    'A delivery of a subscription. Store `cursor` after processing the delivery; pass it as `after` to resume.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      description: 'Cursor to resume after this delivery. Also in `extensions.cursor`.',
    }),
    gap: t.field({
      type: StreamGapType,
      nullable: true,
      description: 'Entries that are missing before this delivery. Null when none are.',
      resolve: ({ gap }) => gap ?? null,
    }),
    end: t.field({
      type: StreamEndType,
      nullable: true,
      description:
        'Set on the last delivery of a stream that is complete; the subscription then ends. Null before.',
      resolve: ({ end }) => end ?? null,
    }),
  }),
})
