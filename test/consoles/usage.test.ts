import { afterAll, beforeAll, expect, test } from 'vitest'
import { Prisma } from '../../src/generated/prisma/client.ts'
import { unmeasured } from '../../src/ports/metrics/metrics.ts'
import { diskStorage } from '../../src/ports/storage/disk/disk.ts'
import { removeExpired } from '../../src/job-engine/index.ts'
import { sweepOnce } from '../../src/streams/retention.ts'
import { Client } from '../../testkit/client.ts'
import { DeleteVersion } from '../../testkit/operations/deployments.ts'
import { DeleteService } from '../../testkit/operations/services.ts'
import { AppendLog } from '../../testkit/operations/workers.ts'
import { claim, complete, seedQueue, submitMany } from '../../testkit/seed/jobs.ts'
import { seedToken } from '../../testkit/seed/organizations.ts'
import { seedDeployment, seedVersion } from '../../testkit/seed/services.ts'
import { numbered, streamApp, type StreamApp } from '../../testkit/stream-app.ts'
import { graphql } from '../../testkit/generated/index.ts'

const Usage = graphql(`
  query ConsolesUsage {
    viewer {
      organization {
        id
        usage {
          logBytes
          archiveBytes
          logRetentionSeconds
        }
      }
    }
  }
`)

let app: StreamApp
beforeAll(async () => {
  app = await streamApp({ LOG_RETENTION_SECONDS: '3600' })
})
afterAll(() => app.close())

const usage = async () => (await app.admin.request(Usage)).viewer.organization.usage

/** The same, counted from the lines and the versions themselves. */
async function counted() {
  const [row] = await app.database.query<{ logs: bigint; archives: bigint }>(Prisma.sql`
    SELECT (SELECT COALESCE(sum(octet_length(text)), 0) FROM "LogLine") AS logs,
      (SELECT COALESCE(sum(size), 0)::bigint FROM (
        SELECT DISTINCT "archiveSha256", "archiveSizeBytes" AS size FROM "DeploymentVersion"
        WHERE "deletedAt" IS NULL AND "archiveSha256" IS NOT NULL) AS a) AS archives`)
  return { logBytes: Number(row?.logs), archiveBytes: Number(row?.archives) }
}

const keep = (logRetentionLines: number, logRetentionMs = 0) =>
  sweepOnce(app.database, {
    logRetentionLines,
    logRetentionMs,
    eventRetentionMs: 0,
    trafficRetentionMs: 0,
  })

test('the bytes of logs are those of their lines after appends, retention and deletes', async () => {
  const [one, two] = [await app.service(), await app.service()]
  expect((await usage()).logBytes).toBe(0)
  const printed = ['', 'ascii', 'größer', '🙂'.repeat(100), 'x'.repeat(100_000)]
  await app.print(one, printed)
  const size = printed.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  expect((await usage()).logBytes).toBe(size)
  // many writers and the sweep at once
  await Promise.all([
    ...Array.from({ length: 20 }, (_, n) => app.print(one, numbered(50, `line ${n}`))),
    ...Array.from({ length: 20 }, (_, n) => app.print(two, numbered(50, `ü ${n}`))),
    keep(30),
    keep(20),
  ])
  expect(await usage()).toMatchObject(await counted())
  await keep(7)
  expect(await usage()).toMatchObject(await counted())
  await app.admin.request(DeleteService, { input: { id: two.id } })
  expect(await usage()).toMatchObject(await counted()) // its log is kept as long as any other
  await keep(0, 1)
  expect((await counted()).logBytes).toBe(0)
  expect((await usage()).logBytes).toBe(0)
})

test('the bytes of the logs of jobs count too, after appends, retention and the end of the job', async () => {
  const queue = await seedQueue(app.admin)
  const before = (await usage()).logBytes
  await submitMany(
    app.admin,
    queue,
    Array.from({ length: 3 }, () => ({ retainSeconds: 0 })),
  )
  const leases = await claim(app.admin, queue, { max: 3, leaseSeconds: 3_600 })
  const append = (n: number, firstLine: number, lines: string[]) =>
    app.admin.request(AppendLog, {
      input: { jobId: leases[n]?.job.id ?? '', fence: leases[n]?.fence ?? '', firstLine, lines },
    })
  await append(0, 1, ['größer', '🙂', ''])
  expect((await usage()).logBytes - before).toBe(Buffer.byteLength('größer🙂'))
  await append(0, 1, ['größer', '🙂', '', 'more']) // sent again, with one more
  expect((await usage()).logBytes - before).toBe(Buffer.byteLength('größer🙂more'))
  // many writers and the sweep at once
  const writing = [0, 1, 2].map(async (n) => {
    for (let k = 0; k < 10; k += 1)
      await append(n, (n === 0 ? 5 : 1) + k * 20, numbered(20, `ü ${n}`))
  })
  await Promise.all([...writing, keep(30), keep(20), keep(25)])
  expect(await usage()).toMatchObject(await counted())
  await keep(7)
  expect(await usage()).toMatchObject(await counted())
  for (const { job, fence } of leases) await complete(app.admin, { jobId: job.id, fence })
  const storage = diskStorage({ dir: `${app.config.dataDir}/storage` })
  const expired = { database: app.database, storage, metrics: unmeasured }
  const [removed] = await Promise.all([removeExpired(expired), keep(3)])
  expect(removed).toBe(3)
  expect(await usage()).toMatchObject(await counted())
  expect((await usage()).logBytes).toBe(before)
})

test('equal archives are counted once, and no more when the last version of one is gone', async () => {
  const { id } = await seedDeployment(app.admin)
  const before = (await usage()).archiveBytes
  const same = { 'main.py': 'the same' }
  const first = await seedVersion(app.admin, id, same)
  const one = (await usage()).archiveBytes
  expect(one).toBeGreaterThan(before)
  const second = await seedVersion(app.admin, id, same)
  expect((await usage()).archiveBytes).toBe(one)
  const other = await seedVersion(app.admin, id, { 'main.py': 'another' })
  expect((await usage()).archiveBytes).toBeGreaterThan(one)
  expect(await usage()).toMatchObject(await counted())
  for (const version of [first, other])
    await app.admin.request(DeleteVersion, { input: { id: version } })
  expect((await usage()).archiveBytes).toBe(one)
  await app.admin.request(DeleteVersion, { input: { id: second } })
  expect((await usage()).archiveBytes).toBe(before)
})

test('how long log lines are kept is told; whoever may not read learns nothing', async () => {
  expect((await usage()).logRetentionSeconds).toBe(3_600)
  const { viewer } = await app.admin.request(Usage)
  for (const [role, isRefused] of [
    ['VIEWER', false],
    ['WORKER', true],
  ] as const) {
    const { secret } = await seedToken(app.admin, viewer.organization.id, role)
    const { errors } = await new Client(app.url, secret).execute(Usage)
    expect(errors?.[0]?.extensions?.code).toBe(isRefused ? 'FORBIDDEN' : undefined)
  }
})
