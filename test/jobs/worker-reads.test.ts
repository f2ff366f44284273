import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { OrganizationId } from '../../src/organizations/index.ts'
import { graphql } from '../../testkit/generated/index.ts'
import { Client } from '../../testkit/client.ts'
import { Amend } from '../../testkit/operations/jobs.ts'
import { succeeded } from '../../testkit/outcome.ts'
import {
  cancel,
  claim,
  claimOne,
  complete,
  fail,
  read,
  seedQueue,
  submit,
} from '../../testkit/seed/jobs.ts'
import { member, seedOrganization, seedPerson, signedIn } from '../../testkit/seed/organizations.ts'
import { streamApp, type StreamApp } from '../../testkit/stream-app.ts'

/* What a WORKER reads of jobs; which fields of which types is generated: see organizations/tenancy-generated.test.ts. */

const Onwards = graphql(`
  mutation WorkerReadsOnwards($input: ClaimJobsInput!) {
    claimJobs(input: $input) {
      __typename
      ... on ClaimJobsSuccess {
        leases {
          job {
            id
            service {
              id
              jobs {
                nodes {
                  parameters
                }
              }
            }
          }
        }
      }
      ... on Forbidden {
        needed
        message
      }
    }
  }
`)

const Conditional = graphql(`
  mutation WorkerReadsConditional($input: ClaimJobsInput!, $isReader: Boolean!) {
    claimJobs(input: $input) {
      __typename
      ... on ClaimJobsSuccess {
        leases {
          job {
            id
            creator @include(if: $isReader) {
              name
            }
          }
        }
      }
    }
  }
`)

graphql(`
  fragment WorkerReadsOutcome on Job {
    id
    result
    error {
      message
    }
    progress {
      message
    }
  }
`)

const AmendOnce = graphql(`
  mutation WorkerReadsAmend($input: AmendJobInput!) {
    amendJob(input: $input) {
      __typename
      ... on AmendJobSuccess {
        replayed
        job {
          ...WorkerReadsOutcome
        }
      }
      ... on UserError {
        message
      }
    }
  }
`)

const CompleteAgain = graphql(`
  mutation WorkerReadsComplete($input: CompleteJobInput!) {
    completeJob(input: $input) {
      __typename
      ... on CompleteJobSuccess {
        job {
          ...WorkerReadsOutcome
        }
      }
    }
  }
`)

const Own = graphql(`
  query WorkerReadsJob($id: ID!) {
    job(id: $id) {
      id
      parameters
      service {
        handle
        ... on QueueService {
          functions {
            resultSchema
          }
        }
      }
    }
    node(id: $id) {
      id
      ... on Job {
        parameters
      }
    }
  }
`)

let app: StreamApp
let organizationId: string
let admin: Client
let worker: Client
let colleague: Client
beforeAll(async () => {
  app = await streamApp()
  const organization = await seedOrganization(app)
  organizationId = organization.id
  admin = organization.admin
  worker = await member(app, organizationId, 'WORKER')
  colleague = await member(app, organizationId, 'WORKER')
})
afterAll(() => app.close())

const claimOf = (queue: string) => ({
  input: { serviceIds: [queue], worker: 'w', claimId: randomUUID() },
})

test('a worker that asks a mutation for what it may not read is told so before anything is done', async () => {
  const queue = await seedQueue(admin)
  const { id } = await submit(admin, queue)
  for (let n = 1; n <= 3; n += 1)
    expect((await worker.request(Onwards, claimOf(queue))).claimJobs).toEqual({
      __typename: 'Forbidden',
      needed: 'VIEWER',
      message: 'Service.jobs needs the role VIEWER.',
    })
  expect(await read(admin, id)).toMatchObject({ status: 'QUEUED', attempt: 0 })
})

test('what is asked under a condition is refused when the condition holds', async () => {
  const queue = await seedQueue(admin)
  for (let n = 1; n <= 3; n += 1) {
    const { id } = await submit(admin, queue)
    const without = { ...claimOf(queue), isReader: false }
    expect((await worker.request(Conditional, without)).claimJobs).toMatchObject({
      leases: [{ job: { id } }],
    })
    await submit(admin, queue)
    const { data, errors } = await worker.execute(Conditional, {
      ...claimOf(queue),
      isReader: true,
    })
    expect(data ?? null).toBe(null)
    expect(errors).toMatchObject([
      {
        path: ['claimJobs', 'leases', 0, 'job', 'creator'],
        extensions: { code: 'FORBIDDEN' },
      },
    ])
  }
})

test('a person who works here and develops there reads here as a worker, and there as a developer', async () => {
  const there = await seedOrganization(app)
  const person = await seedPerson(admin, 'WORKER', organizationId)
  const { prisma } = app.database
  // good for all the person is in, as the passwords of people from before there were invitations are
  const where = { membership: { user: { email: person.email } } }
  const { userId, hash } = await prisma.membershipPassword.findFirstOrThrow({ where })
  await prisma.membershipPassword.deleteMany({ where: { userId } })
  await prisma.user.update({ where: { id: userId }, data: { passwordHash: hash } })
  const elsewhereId = OrganizationId.read(there.id) ?? ''
  await prisma.membership.create({
    data: { userId, organizationId: elsewhereId, role: 'DEVELOPER' },
  })
  const { secret } = await signedIn(new Client(app.url, undefined), person)
  const both = new Client(app.url, secret)
  const [here, elsewhere] = [await seedQueue(admin), await seedQueue(there.admin)]
  for (let n = 1; n <= 3; n += 1) {
    const waiting = await submit(admin, here)
    expect((await both.request(Onwards, claimOf(here))).claimJobs).toEqual({
      __typename: 'Forbidden',
      needed: 'VIEWER',
      message: 'Service.jobs needs the role VIEWER.',
    })
    expect(await read(admin, waiting.id)).toMatchObject({ status: 'QUEUED', attempt: 0 })
    const { id } = await submit(there.admin, elsewhere, { parameters: n })
    const { claimJobs } = await both.request(Onwards, claimOf(elsewhere))
    const [lease] = succeeded(claimJobs, 'ClaimJobsSuccess').leases
    expect(lease?.job).toMatchObject({ id, service: { jobs: { nodes: { length: n } } } })
  }
})

test('a worker finds the jobs that it works on and that it may claim, and no other', async () => {
  const resultSchema = { type: 'integer' }
  const queue = await seedQueue(admin, [{ resultSchema }])
  const { id } = await submit(admin, queue, { parameters: [7] })
  const service = { handle: expect.any(String), functions: [{ resultSchema }] }
  const seen = { job: { id, parameters: [7], service }, node: { id, parameters: [7] } }
  const none = { job: null, node: null }
  const by = (client: Client) => client.request(Own, { id })
  expect(await by(worker)).toEqual(seen)
  const lease = await claimOne(worker, queue)
  expect(await by(worker)).toEqual(seen)
  expect(await by(colleague)).toEqual(none)
  await complete(worker, lease, 1)
  expect(await by(worker)).toEqual(none)
  expect(await by(admin)).toEqual(seen)
  const canceled = await submit(admin, queue)
  await cancel(admin, canceled.id)
  expect(await worker.request(Own, { id: canceled.id })).toEqual(none)
})

/** What becomes of changes that a worker asks for. */
const tried = async (jobId: string, serviceId: string) => {
  const query = `mutation {
    a: submitJob(input: { serviceId: "${serviceId}" }) { __typename }
    b: cancelJob(input: { id: "${jobId}" }) { __typename }
    c: retryJob(input: { id: "${jobId}" }) { __typename }
  }`
  const response = await fetch(`${worker.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...worker.headers },
    body: JSON.stringify({ query }),
  })
  return response.json()
}

/** The same outcome for each. */
const all = (__typename: string) => ({
  data: { a: { __typename }, b: { __typename }, c: { __typename } },
})

test('what a worker may read and not change is Forbidden, and all else is not there', async () => {
  const queue = await seedQueue(admin)
  const { id } = await submit(admin, queue)
  const ended = await submit(admin, queue)
  await cancel(admin, ended.id)
  expect(await tried(id, queue)).toMatchObject(all('Forbidden'))
  expect(await tried(ended.id, 'nobody')).toMatchObject(all('NotFound'))
})

test('an answer that is repeated tells a worker nothing of what others have made of the job since', async () => {
  const queue = await seedQueue(admin)
  const { id } = await submit(admin, queue)
  const input = { id, status: 'RUNNING' as const, idempotencyKey: randomUUID() }
  const first = { __typename: 'AmendJobSuccess', replayed: false, job: { id } }
  expect((await worker.request(AmendOnce, { input })).amendJob).toMatchObject(first)
  await admin.request(Amend, { input: { id, status: 'QUEUED' } })
  const theirs = await claimOne(colleague, queue)
  await complete(colleague, theirs, 'of a colleague')
  expect((await read(admin, id)).result).toBe('of a colleague')
  for (let n = 1; n <= 3; n += 1)
    expect((await worker.request(AmendOnce, { input })).amendJob).toEqual({
      ...first,
      replayed: true,
      job: { id, result: null, error: null, progress: null },
    })
})

test('a report that is sent again tells a worker nothing of what others have made of the job since', async () => {
  const queue = await seedQueue(admin)
  const { id } = await submit(admin, queue, { maxAttempts: 9 })
  const mine = await claimOne(worker, queue)
  const input = { jobId: id, fence: mine.fence, result: 'mine' }
  const again = async () => (await worker.request(CompleteAgain, { input })).completeJob
  expect(await again()).toMatchObject({ job: { result: 'mine' } })
  expect(await again()).toMatchObject({ job: { result: 'mine' } })
  await admin.request(Amend, { input: { id, status: 'QUEUED' } })
  const theirs = await claimOne(colleague, queue)
  await fail(colleague, theirs, { message: 'of a colleague', isRetryable: false })
  expect((await read(admin, id)).error).toMatchObject({ message: 'of a colleague' })
  expect(await again()).toEqual({
    __typename: 'CompleteJobSuccess',
    job: { id, result: null, error: null, progress: null },
  })
  expect(await claim(worker, queue)).toEqual([])
})
