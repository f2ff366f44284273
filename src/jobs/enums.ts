import { builder } from '../builder.ts'
import { AttemptOutcome, JobStatus } from '../generated/prisma/enums.ts'
import type { JobAction, JobErrorKind, JobEventKind } from '../job-engine/index.ts'

export const JobStatusType = builder.enumType('JobStatus', {
  description: 'State of a job; the last three are final.',
  values: {
    [JobStatus.QUEUED]: { description: 'It waits to be claimed.' },
    [JobStatus.RUNNING]: { description: 'A worker has it.' },
    [JobStatus.SUCCEEDED]: { description: 'It has its result.' },
    [JobStatus.FAILED]: { description: 'It has failed, and will not be tried again.' },
    [JobStatus.CANCELED]: { description: 'It was ended before it was done.' },
  } as const,
})

export const AttemptOutcomeType = builder.enumType('AttemptOutcome', {
  description:
    'How a try ended; LOST is a worker that fell silent, PREEMPTED one that gave the job back.',
  values: {
    [AttemptOutcome.SUCCEEDED]: { description: 'With the result that was accepted.' },
    [AttemptOutcome.FAILED]: { description: 'With an error.' },
    [AttemptOutcome.LOST]: { description: 'Its lease expired.' },
    [AttemptOutcome.PREEMPTED]: { description: 'The worker gave the job back unharmed.' },
    [AttemptOutcome.CANCELED]: { description: 'The job was canceled, or amended.' },
    [AttemptOutcome.TIMED_OUT]: { description: 'It took longer than it may.' },
  } as const,
})

export const JobActionType = builder.enumType('JobAction', {
  description: 'What the viewer may do to it now.',
  values: {
    CANCEL: { description: 'cancelJob.' },
    RETRY: { description: 'retryJob.' },
    AMEND: { description: 'amendJob.' },
  } satisfies Record<JobAction, { description: string }>,
})

export const JobErrorKindType = builder.enumType('JobErrorKind', {
  description: 'Kinds of failures.',
  values: {
    BAD_INPUT: { description: 'What it was called with.' },
    RAISED: { description: 'The function itself failed.' },
    INVALID_RESULT: { description: 'The result does not fit its schema.' },
    LOST: { description: 'Its worker fell silent, and no attempts were left.' },
    TIMED_OUT: { description: 'It took longer than it may.' },
    UNAVAILABLE: { description: 'What it calls could not be reached.' },
    INTERNAL: { description: 'A fault of the server.' },
  } satisfies Record<JobErrorKind, { description: string }>,
})

export const JobEventKindType = builder.enumType('JobEventKind', {
  description: 'Kinds of job events.',
  values: {
    QUEUED: { description: 'It was submitted.' },
    CLAIMED: { description: 'A worker took it.' },
    PROGRESS: { description: 'Its worker told how far it is.' },
    CANCEL_REQUESTED: { description: 'Its worker is to end it.' },
    SUCCEEDED: { description: 'It has its result.' },
    FAILED: { description: 'It has failed for good.' },
    CANCELED: { description: 'It was ended before it was done.' },
    LOST: { description: 'The lease of its worker expired.' },
    REQUEUED: {
      description: 'It waits again: an attempt failed, was lost or was given back.',
    },
    AMENDED: { description: 'Somebody set its status or result.' },
  } satisfies Record<JobEventKind, { description: string }>,
})
