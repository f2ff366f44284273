import {
  createWorker,
  type Handler,
  type Worker,
  type WorkerEvent,
  type WorkerOptions,
} from '../../src/worker/index.ts'
import type { Client } from '../../testkit/client.ts'

/** Workers of this process, to be stopped after each test. */
const workers: Worker[] = []

/** Starts a worker; `events` grows with what it tells. */
export function work(
  { url, token }: Client,
  service: string,
  handler: Handler<never>,
  more: Partial<WorkerOptions<never>> = {},
): { worker: Worker; events: WorkerEvent[] } {
  const events: WorkerEvent[] = []
  const worker = createWorker({
    url,
    token,
    service,
    handler,
    stopOn: [],
    graceSeconds: 5,
    onEvent: (event) => events.push(event),
    ...more,
  })
  workers.push(worker)
  return { worker, events }
}

/** Stops them all; those that have failed have told a test so. */
export const stopAll = async (): Promise<void> => {
  await Promise.allSettled(workers.splice(0).map((worker) => worker.stop()))
}

/** Resolves with the reason of a signal. */
export const signaled = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)))

/** Something that is waited for until it is opened. */
export function gate(): { opened: Promise<void>; open: () => void } {
  const way = new AbortController()
  return { opened: signaled(way.signal).then(() => {}), open: () => way.abort() }
}

export const kinds = (events: readonly WorkerEvent[]): string[] => events.map(({ kind }) => kind)
