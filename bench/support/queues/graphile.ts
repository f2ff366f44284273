import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import { Pool } from 'pg'
import type { Queue } from './queue.ts'

const silent = new Logger(() => () => {})
const TASK = 'nothing'

/** graphile-worker as its documentation has it: LISTEN and NOTIFY, a poll every two seconds. */
export async function graphileQueue(databaseUrl: string): Promise<Queue> {
  const pgPool = new Pool({ connectionString: databaseUrl, max: 20 })
  const utils = await makeWorkerUtils({ pgPool, logger: silent })
  await utils.migrate()
  return {
    name: 'graphile-worker',
    takesAhead: true,
    add: async () => void (await utils.addJob(TASK, {})),
    async addMany(count) {
      const jobs = Array.from({ length: count }, () => ({ identifier: TASK, payload: {} }))
      await utils.addJobs(jobs)
    },
    async work(concurrency, told, ahead) {
      const batches = { localQueue: { size: concurrency + ahead }, completeJobBatchDelay: 0 }
      const runner = await run({
        ...(ahead > 0 ? { preset: { worker: batches } } : {}),
        pgPool,
        concurrency,
        logger: silent,
        noHandleSignals: true,
        taskList: { [TASK]: async () => told.begun() },
      })
      runner.events.on('job:complete', () => told.ended())
      return { stop: () => runner.stop() }
    },
    async close() {
      await utils.release()
      await pgPool.end()
    },
  }
}
