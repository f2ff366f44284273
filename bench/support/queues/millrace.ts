import { randomUUID } from 'node:crypto'
import { Pool } from 'undici'
import { gathered } from '../../../src/kit/gathered.ts'
import type { TestServer } from '../../../testkit/server.ts'
import type { Queue } from './queue.ts'

const SUBMIT = `mutation Submit($input: SubmitJobInput!) { submitJob(input: $input) { __typename } }`
const SUBMIT_MANY = `mutation SubmitMany($input: SubmitJobsInput!) { submitJobs(input: $input) { __typename } }`
const CLAIM = `mutation Claim($input: ClaimJobsInput!) {
  claimJobs(input: $input) { __typename ... on ClaimJobsSuccess { leases { fence job { id parameters } } } } }`
const COMPLETE = `mutation Complete($input: CompleteJobsInput!) {
  completeJobs(input: $input) { __typename ... on CompleteJobsSuccess { completions { __typename } } } }`

interface Completions {
  readonly completions: readonly { readonly __typename: string }[]
}

const nothing = (): void => {}

/** Jobs of one submission. */
const BATCH = 1_000

interface Lease {
  readonly fence: string
  readonly job: { readonly id: string }
}

/** Millrace through its GraphQL API over HTTP, with schemas for parameters and results, leases and events. */
export function millraceQueue({ url, admin }: TestServer, serviceId: string): Queue {
  const pool = new Pool(url, { connections: 32, pipelining: 1 })
  const headers = { ...admin.headers, 'content-type': 'application/json' }

  async function ask<Data>(query: string, input: object): Promise<Data> {
    const { body } = await pool.request({
      path: '/graphql',
      method: 'POST',
      headers,
      body: JSON.stringify({ query, variables: { input } }),
    })
    const { data, errors } = (await body.json()) as {
      data: Record<string, object>
      errors?: object
    }
    const [outcome] = Object.values(data ?? {}) as { __typename: string }[]
    if (errors !== undefined || !outcome?.__typename.endsWith('Success'))
      throw new Error(JSON.stringify(errors ?? outcome))
    return outcome as Data // as the operation selects it
  }
  const job = { serviceId, parameters: { n: 1 } }

  return {
    name: 'Millrace',
    takesAhead: true,
    add: () => ask(SUBMIT, job),
    async addMany(count) {
      for (let left = count; left > 0; left -= BATCH)
        await ask(SUBMIT_MANY, { jobs: Array.from({ length: Math.min(BATCH, left) }, () => job) })
    },
    async work(concurrency, told, ahead) {
      const ending = new AbortController()
      // as in `millrace/worker`: a slot is free when its job is done, reports in flight are as many at most (and as many as
      // it claims ahead, `prefetch`), and what is done while an earlier report is on its way is told with the next; these
      // jobs take no time, so that to claim some ahead is to have so many slots
      const most = concurrency + ahead
      const slots = { running: 0, held: 0, freed: nothing }
      const done = new Set<Promise<void>>()
      const complete = gathered(
        () => done,
        async (_, leases: readonly Lease[]) => {
          const results = leases.map(({ fence, job: { id } }) => ({
            jobId: id,
            fence,
            result: { n: 1 },
          }))
          const { completions } = await ask<Completions>(COMPLETE, { jobs: results })
          if (completions.some(({ __typename }) => __typename !== 'JobCompletion'))
            throw new Error(JSON.stringify(completions))
          return completions
        },
        () => false,
      )
      const one = async (lease: Lease): Promise<void> => {
        told.begun()
        slots.running -= 1
        slots.freed()
        await complete(done, lease)
        told.ended()
        slots.held -= 1
        slots.freed()
      }
      const claiming = (async () => {
        while (!ending.signal.aborted) {
          const max = most - Math.max(slots.running, slots.held - most)
          if (max === 0) {
            // all that become free together are filled with one claim
            await new Promise<void>((resolve) => (slots.freed = () => setImmediate(resolve)))
            continue
          }
          const { leases } = await ask<{ leases: Lease[] }>(CLAIM, {
            serviceIds: [serviceId],
            worker: 'bench',
            claimId: randomUUID(),
            max,
            waitSeconds: 1,
          })
          slots.running += leases.length
          slots.held += leases.length
          for (const lease of leases) {
            const work = one(lease).finally(() => done.delete(work))
            done.add(work)
          }
        }
      })()
      return {
        async stop() {
          ending.abort()
          await claiming
          await Promise.all(done)
        },
      }
    },
    close: () => pool.close(),
  }
}
