import type { JobRow, NewJob } from '../job-engine/index.ts'

/** What a job is, without what became of it, its id, its parameters and who waits for it: a new one that remembers it. */
export const asNew = (job: JobRow): Omit<NewJob, 'id' | 'parameters' | 'parametersKey'> => ({
  organizationId: job.organizationId,
  serviceId: job.serviceId,
  projectId: job.projectId,
  function: job.function,
  resultSchemaId: job.resultSchemaId,
  priority: job.priority,
  lane: job.lane,
  runAfter: null,
  maxAttempts: job.maxAttempts,
  timeoutSeconds: job.timeoutSeconds,
  retainSeconds: job.retainSeconds,
  labels: job.labels as unknown as { name: string; value: string }[], // the column holds what submit wrote
  subject: job.subject,
  retryOfId: job.id,
  rootId: job.rootId ?? job.id,
})
