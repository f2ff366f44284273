import { randomUUID } from 'node:crypto'
import { Pool } from 'undici'
import type { TestServer } from '../../../test/support/server.ts'
import type { Queue } from './queue.ts'

const SUBMIT = `mutation Submit($input: SubmitJobInput!) { submitJob(input: $input) { __typename } }`
const SUBMIT_MANY = `mutation SubmitMany($input: SubmitJobsInput!) { submitJobs(input: $input) { __typename } }`
const CLAIM = `mutation Claim($input: ClaimJobsInput!) {
  claimJobs(input: $input) { __typename ... on ClaimJobsSuccess { leases { fence job { id parameters } } } } }`
const COMPLETE = `mutation Complete($input: CompleteJobInput!) { completeJob(input: $input) { __typename } }`

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
    add: () => ask(SUBMIT, job),
    async addMany(count) {
      for (let left = count; left > 0; left -= BATCH)
        await ask(SUBMIT_MANY, { jobs: Array.from({ length: Math.min(BATCH, left) }, () => job) })
    },
    async work(concurrency, told) {
      const ending = new AbortController()
      const slots = { free: concurrency, freed: nothing }
      const done = new Set<Promise<void>>()
      const one = async ({ fence, job: { id } }: Lease): Promise<void> => {
        told.begun()
        await ask(COMPLETE, { jobId: id, fence, result: { n: 1 } })
        told.ended()
        slots.free += 1
        slots.freed()
      }
      const claiming = (async () => {
        while (!ending.signal.aborted) {
          while (slots.free === 0) await new Promise<void>((resolve) => (slots.freed = resolve))
          const max = slots.free
          const { leases } = await ask<{ leases: Lease[] }>(CLAIM, {
            serviceIds: [serviceId],
            worker: 'bench',
            claimId: randomUUID(),
            max,
            waitSeconds: 1,
          })
          slots.free -= leases.length
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
