import { builder } from '../builder.ts'
import { EventInterface, streamConnectionOf } from '../events/index.ts'
import type { JobEventRow } from '../job-engine/index.ts'
import type { PartialJob } from './columns.ts'
import { JobEventKindType } from './enums.ts'
import { jobById } from './store.ts'

/** Implemented in `types.ts`: jobs and their events name each other. */
export const JobType = builder.objectRef<PartialJob>('Job')

export const JobEventType = builder.objectRef<JobEventRow>('JobEvent').implement({
  description: 'An event of a job.',
  interfaces: [EventInterface],
  fields: (t) => ({
    kind: t.field({
      type: JobEventKindType,
      description: 'Kind of the event.',
      resolve: ({ kind }) => kind,
    }),
    job: t.field({
      type: JobType,
      nullable: true,
      description: 'The job in its present state. Null once it is deleted.',
      resolve: ({ jobId }, _args, ctx) => jobById(ctx, jobId),
    }),
    attempt: t.exposeInt('attempt', {
      nullable: true,
      description: 'Number of the newest attempt at the time. Null before the first.',
    }),
    message: t.exposeString('message', {
      nullable: true,
      description: 'Details for people. Null when there are none.',
    }),
  }),
})

export const JobEventConnection = streamConnectionOf<JobEventRow>(
  'JobEvent',
  JobEventType,
  'events',
)
