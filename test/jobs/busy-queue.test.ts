import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { claim, claimOne, complete, seedQueue, submitMany } from '../../testkit/seed/jobs.ts'
import { seedOrganization } from '../../testkit/seed/organizations.ts'

/*
 * A queue that has just had jobs is claimed from without a look at its service first: whatever changes of the service
 * must hold for the very next claim all the same.
 */

const Limit = graphql(`
  mutation LimitQueue($id: ID!, $concurrency: Int!) {
    updateService(input: { id: $id, backend: { queue: { concurrency: $concurrency } } }) {
      __typename
    }
  }
`)

const Delete = graphql(`
  mutation DeleteBusyQueue($id: ID!) {
    deleteService(input: { id: $id }) {
      __typename
    }
  }
`)

const Claim = graphql(`
  mutation ClaimFromBusy($id: ID!, $claimId: String!) {
    claimJobs(input: { serviceIds: [$id], worker: "w", claimId: $claimId }) {
      __typename
    }
  }
`)

let app: TestApp
beforeAll(async () => {
  app = await testApp()
})
afterAll(() => app.close())

/** A queue from which a job was claimed a moment ago, and in which more are waiting; and that job's lease. */
async function busyQueue() {
  const queue = await seedQueue(app.admin)
  await submitMany(
    app.admin,
    queue,
    Array.from({ length: 9 }, () => ({})),
  )
  return { queue, lease: await claimOne(app.admin, queue) }
}

test('a limit holds from the claim that follows it', async () => {
  const { queue, lease } = await busyQueue()
  expect(await app.admin.request(Limit, { id: queue, concurrency: 2 })).toMatchObject({
    updateService: { __typename: 'UpdateServiceSuccess' },
  })
  expect(await claim(app.admin, queue, { max: 9 })).toHaveLength(1)
  expect(await claim(app.admin, queue, { max: 9 })).toHaveLength(0)
  await complete(app.admin, lease)
  expect(await claim(app.admin, queue, { max: 9 })).toHaveLength(1)
})

test('a first lane holds from the claim that follows it', async () => {
  const { queue } = await busyQueue()
  await submitMany(app.admin, queue, [
    { lane: 'a', priority: 1 },
    { lane: 'a', priority: 1 },
    { lane: 'b', priority: 1 },
  ])
  const leases = await claim(app.admin, queue, { max: 4 })
  expect(leases.map(({ job }) => job.lane)).toEqual(['a', 'b', null, null])
})

test('a queue that was deleted is not there for the next claim', async () => {
  const { queue } = await busyQueue()
  await app.admin.request(Delete, { id: queue })
  expect(await app.admin.request(Claim, { id: queue, claimId: 'after' })).toEqual({
    claimJobs: { __typename: 'NotFound' },
  })
})

test('a claim waits at a queue that was busy until now', async () => {
  const { queue } = await busyQueue()
  expect(await claim(app.admin, queue, { max: 9 })).toHaveLength(8)
  const waiting = claim(app.admin, queue, { waitSeconds: 20 })
  await submitMany(app.admin, queue, [{}])
  expect(await waiting).toHaveLength(1)
})

test('a queue that is busy is still not there for another organization', async () => {
  const { queue } = await busyQueue()
  const { admin: foreigner } = await seedOrganization(app)
  expect(await foreigner.request(Claim, { id: queue, claimId: 'foreign' })).toEqual({
    claimJobs: { __typename: 'NotFound' },
  })
  expect(await claim(app.admin, queue)).toHaveLength(1)
})
