import { builder } from '../builder.ts'
import { ActorType } from '../organizations/index.ts'
import type { Actor } from '../kit/actor.ts'
import type { FieldChange } from '../streams/events.ts'
import type { Gap } from '../streams/stream.ts'

const ChangeType = builder.objectRef<FieldChange>('Change').implement({
  description: 'One value that changed; secrets are masked.',
  fields: (t) => ({
    field: t.exposeString('field', { description: 'What changed.' }),
    from: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What it was.',
      resolve: ({ from }) => from ?? null,
    }),
    to: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What it is.',
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
  description: 'Something that happened, once, in one stream.',
  fields: (t) => ({
    number: t.field({
      type: 'SafeInt',
      description: 'Its place in the stream: 1, 2, 3 … without a hole.',
      resolve: ({ number }) => number,
    }),
    at: t.field({
      type: 'DateTime',
      description:
        'When; never falls within the stream of one object. The jobs of a service have the order in which they were committed.',
      resolve: ({ at }) => at,
    }),
    actor: t.field({ type: ActorType, description: 'Who did it.', resolve: ({ actor }) => actor }),
    changes: t.field({
      type: [ChangeType],
      description: 'What it changed.',
      resolve: ({ changes }) => [...changes],
    }),
  }),
})

const GapReasonType = builder.enumType('GapReason', {
  description:
    'Why entries are missing: removed by retention, or the database was restored to before the cursor.',
  values: {
    RETENTION: { description: 'They were older or more than is kept.' },
    RESTORED: { description: 'The database was restored to a state before the cursor.' },
  } as const,
})

export const StreamGapType = builder.objectRef<Gap>('StreamGap').implement({
  description: 'Entries that can no longer be had, told in place of them.',
  fields: (t) => ({
    from: t.field({
      type: 'SafeInt',
      description: 'The first missing number.',
      resolve: ({ from }) => from,
    }),
    to: t.field({
      type: 'SafeInt',
      description: 'The last missing number.',
      resolve: ({ to }) => to,
    }),
    reason: t.field({
      type: GapReasonType,
      description: 'Why.',
      resolve: ({ reason }) => reason,
    }),
  }),
})

const StreamEndType = builder.objectRef<{ lastNumber: number }>('StreamEnd').implement({
  description: 'The stream is complete for now; the subscription ends.',
  fields: (t) => ({
    lastNumber: t.field({
      type: 'SafeInt',
      description: 'Number of the last entry: whoever has 1 to this one has everything.',
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
    'What every subscription delivers. Keep `cursor` after handling it, resume with it as `after`.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      description: 'Resume after this; also in `extensions.cursor`.',
    }),
    gap: t.field({
      type: StreamGapType,
      nullable: true,
      description: 'What is missing before this delivery.',
      resolve: ({ gap }) => gap ?? null,
    }),
    end: t.field({
      type: StreamEndType,
      nullable: true,
      description: 'Set on the last delivery of a stream that is complete.',
      resolve: ({ end }) => end ?? null,
    }),
  }),
})
