import { afterAll, beforeAll, expect, test } from 'vitest'
import { Prisma } from '../../src/generated/prisma/client.ts'
import { JobId } from '../../src/job-engine/index.ts'
import { CancelMany } from '../../testkit/operations/jobs.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { read, seedQueue, submit } from '../../testkit/seed/jobs.ts'
import { streamApp, type StreamApp } from '../../testkit/stream-app.ts'
import { runBulk } from '../../src/jobs/server/bulk.ts'
import type { Site } from '../../src/context.ts'
import type { HeldJob, Lease } from '../../src/job-engine/index.ts'

let app: StreamApp
beforeAll(async () => {
  app = await streamApp()
})
afterAll(() => app.close())

test('a bulk job whose filter another version wrote is refused, and nothing is done', async () => {
  const queue = await seedQueue(app.admin)
  const { id } = await submit(app.admin, queue)
  // nothing in this server does it, so that it can be given the form of another version first
  const input = { filter: { serviceIds: [queue] } }
  const { cancelJobs } = await app.admin.request(CancelMany, { input })
  const { job } = succeeded(cancelJobs, 'CancelJobsSuccess')
  const key = JobId.read(job.id)
  const old = JSON.stringify({ filter: { errorContains: 'x' }, matched: 1 })
  await app.database.query(Prisma.sql`UPDATE "Job" SET parameters = ${old} WHERE id = ${key}::uuid`)
  const row = await app.database.prisma.job.findUniqueOrThrow({ where: { id: key ?? '' } })
  const held = {
    lease: row as unknown as Lease,
    signal: new AbortController().signal,
    progress() {},
  } as unknown as HeldJob
  expect(await runBulk(app.platform as Site, held)).toMatchObject({
    error: { kind: 'BAD_INPUT', message: expect.stringContaining('another version') },
    isRetryable: false,
  })
  expect((await read(app.admin, id)).status).toBe('QUEUED')
})
