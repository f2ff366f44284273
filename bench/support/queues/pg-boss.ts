import PgBoss from 'pg-boss'
import type { Queue } from './queue.ts'

const QUEUE = 'nothing'
/** As short as it may be. */
const POLL_SECONDS = 0.5

/** pg-boss with as many workers as asked for, each of which takes one job at a time. */
export async function bossQueue(connectionString: string): Promise<Queue> {
  const boss = new PgBoss({ connectionString, max: 20 })
  await boss.start()
  await boss.createQueue(QUEUE)
  return {
    name: 'pg-boss',
    takesAhead: false,
    add: async () => void (await boss.send(QUEUE, {})),
    addMany: (count) =>
      boss.insert(Array.from({ length: count }, () => ({ name: QUEUE, data: {} }))),
    async work(concurrency, told) {
      const ending = new AbortController()
      const loop = async (): Promise<void> => {
        while (!ending.signal.aborted) {
          const [job] = await boss.fetch(QUEUE)
          if (job === undefined) await new Promise((r) => setTimeout(r, POLL_SECONDS * 1000))
          else {
            told.begun()
            await boss.complete(QUEUE, job.id)
            told.ended()
          }
        }
      }
      const loops = Array.from({ length: concurrency }, loop)
      return {
        async stop() {
          ending.abort()
          await Promise.all(loops)
        },
      }
    },
    close: () => boss.stop({ graceful: false }),
  }
}
