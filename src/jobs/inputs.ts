import { FrontType } from '../addresses/index.ts'
import { found } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { builder } from '../builder.ts'
import { DirectionType } from '../graph/order.ts'
import { TimeRangeInput } from '../graph/time-range.ts'
import { serviceNamed } from '../services/index.ts'
import { NameValueInput } from '../uploads/index.ts'
import { JobStatusType } from './enums.ts'
import type { JobFilter } from './list.ts'
import { jobNamed } from './store.ts'

export const JobFilterInput = builder.inputType('JobFilter', {
  description: 'Which jobs; lists mean any of.',
  fields: (t) => ({
    statuses: t.field({ type: [JobStatusType], description: 'In any of these states.' }),
    serviceIds: t.idList({ description: 'Of any of these services: ids, handles or addresses.' }),
    functions: t.stringList({ description: 'Calls of any of these functions.' }),
    created: t.field({ type: TimeRangeInput, description: 'Submitted in this time.' }),
    finished: t.field({ type: TimeRangeInput, description: 'Ended in this time.' }),
    labels: t.field({ type: [NameValueInput], description: 'With all of these labels.' }),
    rootId: t.id({ description: 'This job, and those that run it again: id or address.' }),
    errorContains: t.string({ description: 'With this in the message of the error.' }),
    front: t.field({ type: FrontType, description: 'That this front has a word for.' }),
  }),
})

const JobOrderFieldType = builder.enumType('JobOrderField', {
  description: 'Fields jobs can be ordered by.',
  values: {
    CREATED_AT: { description: 'When it was submitted.' },
    FINISHED_AT: { description: 'When it ended; those that have not are left out.' },
    PRIORITY: { description: 'Its priority.' },
  } as const,
})

export const JobOrderInput = builder.inputType('JobOrder', {
  description: 'Order of jobs.',
  fields: (t) => ({
    field: t.field({ type: JobOrderFieldType, required: true, description: 'By what.' }),
    direction: t.field({
      type: DirectionType,
      required: true,
      defaultValue: 'DESC',
      description: 'Which way.',
    }),
  }),
})

/**
 * A filter whose services and root are names, with their keys instead; what is not there finds nothing. Throws
 * Ambiguous for a name that several organizations of the viewer know, unless `organizationId` says of which it is.
 */
export async function resolved(
  ctx: Context,
  filter: JobFilter | null | undefined,
  organizationId?: string,
): Promise<JobFilter | null | undefined> {
  if (!filter) return filter
  const { services, root } = await named(ctx, filter, organizationId)
  return {
    ...filter,
    serviceIds: services?.flatMap(([, service]) => service?.id ?? []),
    rootId: root && (root[1]?.id ?? NOTHING),
  }
}

/** The same, for what is about to be done: throws NotFound for a name of nothing. */
export async function resolvedOrThrow(
  ctx: Context,
  filter: JobFilter,
  organizationId: string,
): Promise<JobFilter> {
  const { services, root } = await named(ctx, filter, organizationId)
  return {
    ...filter,
    serviceIds: services?.map(([id, service]) => found(service, 'service', id).id),
    rootId: root && found(root[1], 'job', root[0]).id,
  }
}

/** What a filter names, each with the name. */
async function named(ctx: Context, { serviceIds, rootId }: JobFilter, organizationId?: string) {
  const organizations = organizationId === undefined ? undefined : [organizationId]
  const services =
    serviceIds &&
    (await Promise.all(
      serviceIds.map(
        async (id) => [id, await serviceNamed(ctx, id, undefined, organizations)] as const,
      ),
    ))
  const root =
    rootId == null ? null : ([rootId, await jobNamed(ctx, rootId, organizations)] as const)
  return { services, root }
}

/** The key of no object. */
const NOTHING = '00000000-0000-0000-0000-000000000000'
