import type { createWorker as Create } from '../../../src/worker/index.ts'
import type { TestServer } from '../../../testkit/server.ts'
import type { Queue } from './queue.ts'

/** As it is published, because the compiler that the benches run through makes functions slower. */
const PUBLISHED = new URL('../../../dist/worker/index.js', import.meta.url).href

/** The same queue with jobs done by `millrace/worker`: its leases are kept by a thread, and handlers have a log and a signal. */
export async function workerQueue(
  queue: Queue,
  { url, admin }: TestServer,
  serviceId: string,
): Promise<Queue> {
  const { createWorker } = (await import(PUBLISHED)) as { createWorker: typeof Create }
  const token = new Headers(admin.headers).get('authorization')?.replace(/^Bearer /, '')
  return {
    ...queue,
    name: 'millrace/worker',
    async work(concurrency, told, ahead) {
      const worker = createWorker({
        url,
        token,
        service: serviceId,
        concurrency,
        prefetch: ahead,
        stopOn: [],
        handler() {
          told.begun()
          return { n: 1 }
        },
        onEvent({ kind }) {
          if (kind === 'succeeded') told.ended()
        },
      })
      return { stop: () => worker.stop() }
    },
    async close() {},
  }
}
