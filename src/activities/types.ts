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
    "One line of the organization's history, its object as it is now; the history holds every mutation, and every move of a service or version that follows from one.",
  interfaces: [EventInterface],
  fields: (t) => ({
    action: t.exposeString('action', {
      description:
        'The mutation, such as createService. What the server did by itself, as actor SYSTEM, is serviceStatusChanged or serviceScaled; uploadReceived and versionStatusChanged follow from bytes that came to the URL of an upload, and their actor is whoever asked for the upload.',
    }),
    subjectId: t.id({
      description: 'Canonical id of what it was done to.',
      resolve: ({ subject }) => typeIdOf(subject),
    }),
    subject: t.field({
      type: NodeInterface,
      nullable: true,
      description: 'What it was done to, as it is now; null once deleted.',
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
        description: 'Names of mutations, such as `createService`; any of them.',
      }),
      actors: t.stringList({ description: 'Names of actors; any of them.' }),
      at: t.field({ type: TimeRangeInput, description: 'Time of the activity.' }),
      subjectIds: t.idList({
        description: 'IDs of the objects that mutations changed; any of them.',
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
      'What happened in the organization: one subscription keeps a whole console up to date.',
    interfaces: [DeliveryInterface],
    fields: (t) => ({
      activities: t.field({
        type: [ActivityType],
        description: 'What happened, oldest first.',
        resolve: ({ activities }) => [...activities],
      }),
    }),
  })
