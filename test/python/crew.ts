import type { Client } from '../../testkit/client.ts'
import { jobBecomes, read, seedQueue, submit } from '../../testkit/seed/jobs.ts'
import type { Server } from '../../testkit/seed/organizations.ts'
import { until } from '../../testkit/until.ts'
import { type Python, startWorker, workshop } from './worker.ts'

const FUNCTIONS =
  'echo talk lines raise exit give-up wait deaf chatter nan object huge fork threads everywhere bar daemon nowhere'
    .split(' ')
    .map((name) => ({ name }))

type Options = Record<string, string | number>

export type Crew = Awaited<ReturnType<typeof crewAt>>

/** Workers in Python of one server, and what its admin does with their jobs. */
export async function crewAt(server: Server) {
  const folder = await workshop(server.url)
  const started: Python[] = []
  const workAt = (
    client: Client,
    service: string,
    options?: Options,
    env?: Record<string, string>,
  ): Python => {
    const one = startWorker(folder, client, service, options, env)
    started.push(one)
    return one
  }
  const endAll = async (): Promise<void> => {
    await Promise.all(started.splice(0).map((one) => one.destroy()))
  }
  const look = (id: string) => read(server.admin, id)
  const logOf = async (id: string) => (await look(id)).logs.nodes.map(({ text }) => text)
  return {
    folder,
    /** A queue with the functions of `tasks.py`. */
    queue: () =>
      seedQueue(server.admin, [
        ...FUNCTIONS,
        { name: 'numbers', resultSchema: { properties: { big: { type: 'integer' } } } },
        { name: 'strict', resultSchema: { type: 'object', required: ['y'] } },
      ]),
    work: (service: string, options?: Options) => workAt(server.admin, service, options),
    /** The same by another client, or another way. */
    workAt,
    async call(
      service: string,
      name: string,
      parameters: unknown = {},
      more: { maxAttempts?: number } = {},
    ) {
      const job = { function: name, parameters, ...more }
      return (await submit(server.admin, service, job)).id
    },
    look,
    /** The job once it has this status. */
    async becomes(id: string, status: string) {
      await jobBecomes(server.admin, id, status)
      return look(id)
    },
    logOf,
    says: (id: string, line: string) => until(async () => (await logOf(id)).includes(line)),
    endAll,
    async close() {
      await endAll()
      await folder.remove()
    },
  }
}
