import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import type { JobOrder } from '../../testkit/generated/graphql.ts'
import { claim, complete, seedQueue, submit } from '../../testkit/seed/jobs.ts'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { succeed } from '../organizations/tenancy/send.ts'

const Leases = graphql(`
  query OrdersLeases($orderBy: JobOrder, $first: Int, $after: String) {
    workers {
      nodes {
        name
        leases(orderBy: $orderBy, first: $first, after: $after) {
          totalCount
          nodes {
            id
          }
          pageInfo {
            ...Page
          }
        }
      }
    }
  }
`)
const Retries = graphql(`
  query OrdersRetries($id: ID!, $orderBy: JobOrder, $first: Int, $after: String) {
    job(id: $id) {
      retries(orderBy: $orderBy, first: $first, after: $after) {
        totalCount
        nodes {
          id
        }
        pageInfo {
          ...Page
        }
      }
    }
  }
`)

interface Page {
  readonly totalCount: number
  readonly nodes: readonly { readonly id: string }[]
  readonly pageInfo: { readonly endCursor?: string | null; readonly hasNextPage: boolean }
}
interface Asked {
  readonly orderBy?: JobOrder
  readonly first?: number
  readonly after?: string | null | undefined
}

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

/** All jobs of a list, page by page. */
async function walked(
  ask: (asked: Asked) => Promise<Page | undefined>,
  orderBy?: JobOrder,
): Promise<string[]> {
  const ids: string[] = []
  for (let after: string | null | undefined, more = true; more;) {
    const page = await ask({ orderBy, first: 2, after })
    ids.push(...(page?.nodes.map(({ id }) => id) ?? []))
    after = page?.pageInfo.endCursor
    more = page?.pageInfo.hasNextPage ?? false
  }
  return ids
}

test('the jobs that a worker runs are the oldest first, or in the order asked for', async () => {
  const queue = await seedQueue(app.admin)
  const jobs: string[] = []
  for (const priority of [1, 3, 3, 2, 1])
    jobs.push((await submit(app.admin, queue, { priority })).id)
  await claim(app.admin, queue, { worker: 'busy', max: 10, waitSeconds: 10 })
  await claim(app.admin, queue, { worker: 'idle' })
  const ask = async (asked: Asked) =>
    (await app.admin.request(Leases, asked)).workers.nodes.find(({ name }) => name === 'busy')
      ?.leases
  const [a, b, c, d, e] = jobs
  expect(await walked(ask)).toEqual(jobs)
  expect(await walked(ask, { field: 'CREATED_AT', direction: 'DESC' })).toEqual(jobs.toReversed())
  expect(await walked(ask, { field: 'PRIORITY', direction: 'DESC' })).toEqual([c, b, d, e, a])
  expect(await walked(ask, { field: 'PRIORITY', direction: 'ASC' })).toEqual([a, e, d, b, c])
  expect((await ask({ first: 1 }))?.totalCount).toBe(5)
  // none of them has ended
  expect(await walked(ask, { field: 'FINISHED_AT', direction: 'ASC' })).toEqual([])
})

test('the retries of a job are the oldest first, or in the order asked for', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  const end = async (of: string) => {
    for (const lease of await claim(app.admin, queue, { max: 10, waitSeconds: 10 }))
      if (lease.job.id === of)
        await complete(app.admin, { jobId: lease.job.id, fence: lease.fence }, {})
  }
  await end(id)
  const retries: string[] = []
  for (let n = 0; n < 3; n += 1) {
    const made = await succeed(app.admin, 'retryJob', { id }, 'job { id }')
    retries.push((made['job'] as { id: string }).id) // selected just above
  }
  const ask = async (asked: Asked) =>
    (await app.admin.request(Retries, { id, ...asked })).job?.retries
  expect(await walked(ask)).toEqual(retries)
  expect(await walked(ask, { field: 'CREATED_AT', direction: 'DESC' })).toEqual(
    retries.toReversed(),
  )
  expect((await ask({ first: 1 }))?.totalCount).toBe(3)
})
