import { builder } from '../builder.ts'
import { AttemptOutcome, JobStatus } from '../generated/prisma/enums.ts'
import type { JobAction, JobErrorKind, JobEventKind } from '../job-engine/index.ts'

export const JobStatusType = builder.enumType('JobStatus', {
  description: 'State of a job. SUCCEEDED, FAILED and CANCELED are final.',
  values: {
    [JobStatus.QUEUED]: { description: 'The job waits to be claimed.' },
    [JobStatus.RUNNING]: { description: 'A worker executes the job.' },
    [JobStatus.SUCCEEDED]: { description: 'The job finished with a result.' },
    [JobStatus.FAILED]: { description: 'The job failed and will not be retried.' },
    [JobStatus.CANCELED]: { description: 'The job was canceled before it finished.' },
  } as const,
})

export const AttemptOutcomeType = builder.enumType('AttemptOutcome', {
  description: 'Outcome of an attempt.',
  values: {
    [AttemptOutcome.SUCCEEDED]: {
      description: 'The attempt ended with a result, which was accepted.',
    },
    [AttemptOutcome.FAILED]: { description: 'The attempt ended with an error.' },
    [AttemptOutcome.LOST]: { description: 'The worker sent no heartbeat until its lease expired.' },
    [AttemptOutcome.PREEMPTED]: {
      description: 'The worker gave the job back, for example when it was shut down.',
    },
    [AttemptOutcome.CANCELED]: { description: 'The job was canceled or amended.' },
    [AttemptOutcome.TIMED_OUT]: { description: 'The attempt took longer than `timeoutSeconds`.' },
  } as const,
})

export const JobActionType = builder.enumType('JobAction', {
  description: 'Operation that the caller can perform on a job.',
  values: {
    CANCEL: { description: '`cancelJob`.' },
    RETRY: { description: '`retryJob`.' },
    AMEND: { description: '`amendJob`.' },
  } satisfies Record<JobAction, { description: string }>,
})

export const JobErrorKindType = builder.enumType('JobErrorKind', {
  description: 'Kind of failure of a job.',
  values: {
    BAD_INPUT: { description: 'The parameters are invalid.' },
    RAISED: { description: 'The function failed.' },
    INVALID_RESULT: { description: 'The result does not match its schema.' },
    LOST: {
      description: 'The worker sent no heartbeat until its lease expired.',
    },
    TIMED_OUT: { description: 'The attempt took longer than `timeoutSeconds`.' },
    UNAVAILABLE: { description: 'A service or server that the job needs was not available.' },
    INTERNAL: { description: 'A fault of the server.' },
  } satisfies Record<JobErrorKind, { description: string }>,
})

export const JobEventKindType = builder.enumType('JobEventKind', {
  description: 'Kind of an event of a job.',
  values: {
    QUEUED: { description: 'The job was submitted.' },
    CLAIMED: { description: 'A worker claimed the job.' },
    PROGRESS: { description: 'The worker reported its progress.' },
    CANCEL_REQUESTED: { description: 'The worker was asked to stop.' },
    SUCCEEDED: { description: 'The job finished with a result.' },
    FAILED: { description: 'The job failed and will not be retried.' },
    CANCELED: { description: 'The job was canceled before it finished.' },
    LOST: { description: 'The lease of the worker expired.' },
    REQUEUED: {
      description: 'The job waits again, because an attempt failed, was lost or was given back.',
    },
    AMENDED: { description: 'The status or the result was set by `amendJob`.' },
  } satisfies Record<JobEventKind, { description: string }>,
})
