import { keptColumns, type JobRow, type NewJob } from '../job-engine/index.ts'

/** What a job is, without what became of it, its id, its parameters and who waits for it: a new one that remembers it. */
export const asNew = (job: JobRow): Omit<NewJob, 'id' | 'parameters' | 'parametersKey'> => ({
  ...kept(job),
  labels: job.labels as unknown as { name: string; value: string }[], // the column holds what submit wrote
  runAfter: null,
  retryOfId: job.id,
  rootId: job.rootId ?? job.id,
})

const kept = (job: JobRow): Pick<JobRow, (typeof keptColumns)[number]> =>
  // each of them, and no other
  Object.fromEntries(keptColumns.map((name) => [name, job[name]])) as ReturnType<typeof kept>
