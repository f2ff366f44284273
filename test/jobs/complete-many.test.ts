import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import type { CompleteJobsInput } from '../../testkit/generated/graphql.ts'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { claim, claimOne, read, seedQueue, submit } from '../../testkit/seed/jobs.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

const CompleteMany = graphql(`
  mutation CompleteMany($input: CompleteJobsInput!) {
    completeJobs(input: $input) {
      __typename
      ... on CompleteJobsSuccess {
        replayed
        completions {
          __typename
          ... on JobCompletion {
            job {
              id
              status
              result
            }
          }
          ... on UserError {
            code
          }
          ... on StaleLease {
            attempt
          }
          ... on ValidationError {
            issues {
              path
            }
          }
        }
      }
      ... on ValidationError {
        issues {
          path
          message
        }
      }
    }
  }
`)

const completeMany = async (input: CompleteJobsInput) =>
  (await app.admin.request(CompleteMany, { input })).completeJobs

const done = (jobId: string, n: number) => ({
  __typename: 'JobCompletion',
  job: { id: jobId, status: 'SUCCEEDED', result: { n } },
})

const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }

test('many results are delivered with one call, each on its own', async () => {
  const queue = await seedQueue(app.admin, [{ name: 'default', resultSchema: schema }])
  for (let n = 0; n < 5; n += 1) await submit(app.admin, queue)
  const leases = await claim(app.admin, queue, { max: 5 })
  const [good, bad, stale, same, last] = leases.map(({ job, fence }) => ({ jobId: job.id, fence }))
  if (!good || !bad || !stale || !same || !last) throw new Error('There were five jobs.')
  const input = {
    jobs: [
      { ...good, result: { n: 1 } },
      { ...bad, result: { n: 'one' } },
      { ...stale, fence: '1.other', result: { n: 3 } },
      { ...same, result: { n: 4 } },
      { ...same, result: { n: 5 } },
      { jobId: good.jobId.replace(/.{6}$/, '000000'), fence: good.fence, result: { n: 6 } },
      { ...last, result: { n: 7 } },
    ],
  }
  const answer = await completeMany(input)
  expect(answer).toMatchObject({
    completions: [
      done(good.jobId, 1),
      { __typename: 'ValidationError', issues: [{ path: ['result', 'n'] }] },
      { __typename: 'StaleLease', attempt: 1 },
      { __typename: 'JobCompletion' },
      { __typename: 'JobCompletion' },
      { __typename: 'NotFound' },
      done(last.jobId, 7),
    ],
  })
  // of two results of one job one was accepted, and both are told the same
  const { result } = await read(app.admin, same.jobId)
  expect([{ n: 4 }, { n: 5 }]).toContainEqual(result)
  for (const { jobId } of [bad, stale])
    expect(await read(app.admin, jobId)).toMatchObject({ status: 'RUNNING' })
  // sent again it does nothing and answers the same
  expect(await completeMany(input)).toEqual(answer)
})

test('a call with a key has its answer again, with the refusals in it', async () => {
  const queue = await seedQueue(app.admin)
  await submit(app.admin, queue)
  const { jobId, fence } = await claimOne(app.admin, queue)
  const jobs = [
    { jobId, fence: '1.other', result: 1 },
    { jobId, fence, result: 2 },
  ]
  const idempotencyKey = randomUUID()
  const first = await completeMany({ jobs, idempotencyKey })
  expect(first).toMatchObject({
    replayed: false,
    completions: [{ __typename: 'StaleLease', attempt: 1 }, { __typename: 'JobCompletion' }],
  })
  expect(await completeMany({ jobs, idempotencyKey })).toEqual({ ...first, replayed: true })
})

test('results that come at one time are told apart, whoever sends them', async () => {
  const queue = await seedQueue(app.admin)
  const count = 60
  await Promise.all(
    Array.from({ length: count }, (_, n) => submit(app.admin, queue, { parameters: n })),
  )
  const leases = await claim(app.admin, queue, { max: count })
  expect(leases.map(({ job }) => Number(job.parameters)).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: count }, (_, n) => n),
  )
  await Promise.all(
    leases.map(({ job, fence }) =>
      completeMany({ jobs: [{ jobId: job.id, fence, result: job.parameters }] }),
    ),
  )
  const jobs = await Promise.all(leases.map(({ job }) => read(app.admin, job.id)))
  expect(jobs).toMatchObject(
    leases.map(({ job }) => ({ status: 'SUCCEEDED', result: job.parameters })),
  )
})

test('none, and more than one call may bring, is refused', async () => {
  const one = { jobId: 'job_0', fence: 'x', result: null }
  for (const jobs of [[], Array.from({ length: 101 }, () => one)])
    expect(await completeMany({ jobs })).toMatchObject({
      __typename: 'ValidationError',
      issues: [{ path: ['jobs'] }],
    })
})
