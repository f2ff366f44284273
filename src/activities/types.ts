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
    'One entry of the history of an organization: a mutation, or a change of state of a service or version that followed from one. Calls and check-ins of services are not in the history. Of the mutations of jobs it has `amendJob`, `cancelJobs` and `retryJobs` only; jobs have events of their own.',
  interfaces: [EventInterface],
  fields: (t) => ({
    action: t.exposeString('action', {
      description:
        'Name of the mutation as the schema spells it, such as `createService`. `serviceStatusChanged` and `serviceScaled` are changes that the server makes automatically, as actor SYSTEM. `uploadReceived` and `versionStatusChanged` follow from bytes that arrived at the URL of an upload; their actor is the actor who created the upload. `revealSecret` records that a secret was read. A text, not an enum, because the history keeps the names of mutations that newer versions no longer have.',
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
    description:
      'Criteria for activities. An activity must meet all criteria that are given. A list means any of its entries.',
    fields: (t) => ({
      actions: t.stringList({
        description: 'Names of mutations, such as `createService`.',
      }),
      actors: t.stringList({ description: 'Names of actors.' }),
      at: t.field({ type: TimeRangeInput, description: 'Time of the activity.' }),
      subjectIds: t.idList({
        description: 'IDs of the objects that mutations changed.',
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
