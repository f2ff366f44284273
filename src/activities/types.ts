import type { InputObjectRef } from '@pothos/core'
import { builder } from '../builder.ts'
import {
  DeliveryInterface,
  EventInterface,
  streamConnectionOf,
  type Delivery,
} from '../events/index.ts'

import { findNode, NodeInterface, typeIdOf, keyOfTypeId } from '../graph/node.ts'
import { TimeRangeInput } from '../graph/time-range.ts'
import type { AuditEntry, AuditFilter } from '../streams/index.ts'

const ActivityType = builder.objectRef<AuditEntry>('Activity').implement({
  description:
    'One entry of the history of an organization: a mutation, or a change of state of a service or version that followed from one. Jobs and their reports are not in the history; they have events of their own.',
  interfaces: [EventInterface],
  fields: (t) => ({
    action: t.exposeString('action', {
      description:
        'Name of the mutation as the schema spells it, such as `createService`. Changes that the server makes by itself, as actor SYSTEM, are `serviceStatusChanged` and `serviceScaled`; `uploadReceived` and `versionStatusChanged` follow from bytes that arrived at the URL of an upload, and their actor is the one who created the upload. A text, not an enum, because the history keeps the names of mutations that newer versions no longer have.',
    }),
    subjectId: t.id({
      description: 'ID of the object that the mutation changed.',
      resolve: ({ subject }) => typeIdOf(subject),
    }),
    subject: t.field({
      type: NodeInterface,
      nullable: true,
      description:
        'The changed object in its present state. Null once it is deleted, and where the caller may not see it.',
      resolve: ({ subject }, _args, ctx) => findNode(ctx, typeIdOf(subject)),
    }),
  }),
})
export const ActivityConnection = streamConnectionOf<AuditEntry>(
  'Activity',
  ActivityType,
  'activities',
)

interface ActivityFilter extends Omit<AuditFilter, 'subjects'> {
  readonly subjectIds?: readonly string[] | null
}

type Types = typeof builder.$inferSchemaTypes

export const ActivityFilterInput: InputObjectRef<Types, ActivityFilter> = builder
  .inputRef<ActivityFilter>('ActivityFilter')
  .implement({
    description: 'Criteria for activities: an activity must match all of them.',
    fields: (t) => ({
      actions: t.stringList({
        description:
          'Names of mutations, such as `createService`. Matches an activity of any of them.',
      }),
      actors: t.stringList({ description: 'Names of actors. Matches an activity by any of them.' }),
      at: t.field({ type: TimeRangeInput, description: 'Time of the activity.' }),
      subjectIds: t.idList({
        description: 'IDs of objects. Matches an activity that changed any of them.',
      }),
    }),
  })

/** The filter as the stream has it. */
export const auditFilter = (filter: ActivityFilter | null | undefined): AuditFilter | undefined =>
  filter ? { ...filter, subjects: filter.subjectIds?.map(keyOfTypeId) ?? null } : undefined

export interface ActivityDelivery extends Delivery {
  readonly activities: readonly AuditEntry[]
}

export const ActivityDeliveryType = builder
  .objectRef<ActivityDelivery>('ActivityDelivery')
  .implement({
    description:
      'Entries of the history of an organization. One subscription keeps a whole console up to date.',
    interfaces: [DeliveryInterface],
    fields: (t) => ({
      activities: t.field({
        type: [ActivityType],
        description: 'The entries, oldest first.',
        resolve: ({ activities }) => [...activities],
      }),
    }),
  })
