import type { TestServer } from '../testkit/server.ts'
import { until } from '../testkit/until.ts'
import { graphql } from '../testkit/generated/index.ts'
import { bareInserts } from './support/limit.ts'
import { logService, type LogService } from './support/log-service.ts'
import { onStage, type Kind } from './support/stage.ts'
import { Subscriber } from './support/subscriber.ts'
import { logReads } from './log-reads.ts'
import { figure, percentile, printTable, share } from './support/table.ts'
import { cpuMicroseconds, residentMb } from './support/usage.ts'

const FLOOD = 200_000
const DRIP = 5_000
const MANY = 100
const PATIENCE = { timeoutMs: 120_000 }

const Head = graphql(`
  query BenchHead($id: ID!) {
    service(id: $id) {
      logs(last: 1) {
        nodes {
          number
        }
      }
    }
  }
`)

/** From a line's writing to storage and to followers: how many a second, how late, in how much memory. */
export async function logs(kind: Kind): Promise<void> {
  const limit = await bareInserts(kind)
  await onStage(kind, async (server) => {
    const service = await logService(server.admin)
    await flood(server, service, 0, FLOOD / 4) // warm-up
    const beforeMb = residentMb(server.pid)
    const rates = [
      {
        what: 'stored, nobody follows',
        followers: 0,
        rate: await flood(server, service, 0, FLOOD),
      },
      { what: 'followed by 1', followers: 1, rate: await flood(server, service, 1, FLOOD) },
      {
        what: `followed by ${MANY}`,
        followers: MANY,
        rate: await flood(server, service, MANY, FLOOD / 10),
      },
    ]
    const afterMb = residentMb(server.pid)
    printTable(`Log lines, ${kind}: a service prints as fast as it can`, [
      {
        '': 'limit: bare INSERTs',
        'lines/s': figure(limit),
        'of limit': '',
        'delivered/s': '',
        'server CPU, µs/line': '',
      },
      ...rates.map(({ what, followers, rate }) => ({
        '': what,
        'lines/s': figure(rate.perSecond),
        'of limit': share(rate.perSecond, limit),
        'delivered/s': followers === 0 ? '' : figure(rate.perSecond * followers),
        'server CPU, µs/line': figure(rate.cpuMicroseconds),
      })),
    ])
    const late = await lateness(server, service)
    printTable(`Log lines, ${kind}: 1,000 lines/s, from write to follower`, [
      { 'p50 ms': figure(percentile(late, 0.5)), 'p99 ms': figure(percentile(late, 0.99)) },
    ])
    printTable(`Memory of the server, ${kind}`, [
      {
        'MB before': figure(beforeMb),
        'MB after': figure(afterMb),
        'MB after 1,000 lines/s': figure(residentMb(server.pid)),
      },
    ])
  })
  await logReads(kind)
}

interface Rate {
  readonly perSecond: number
  /** Of the server's process, for one line. */
  readonly cpuMicroseconds: number
}

/** Prints so many lines and waits until all are stored and every follower has them. */
async function flood(
  server: TestServer,
  service: LogService,
  followers: number,
  lines: number,
): Promise<Rate> {
  return following(server, service, followers, async (all) => {
    const end = (await head(server, service)) + lines
    const cpuBefore = cpuMicroseconds(server.pid)
    await service.print(lines)
    const begun = performance.now()
    await until(
      async () =>
        all.every(({ position }) => position >= end) && (await head(server, service)) >= end,
      PATIENCE,
    )
    return {
      perSecond: (lines / (performance.now() - begun)) * 1000,
      cpuMicroseconds: (cpuMicroseconds(server.pid) - cpuBefore) / lines,
    }
  })
}

/** How many ms after its writing each line came. */
async function lateness(server: TestServer, service: LogService): Promise<number[]> {
  const late: number[] = []
  await following(server, service, 1, async ([one]) => {
    if (one === undefined) return
    one.onDelivery = (text) => {
      const now = performance.timeOrigin + performance.now()
      for (const [, written] of text.matchAll(/"text":"([\d.]+) INFO/g))
        late.push(now - Number(written))
    }
    await service.print(DRIP, 1_000)
    await until(() => late.length === DRIP, PATIENCE)
  })
  return late
}

/** Runs `work` while so many follow, all of which have been heard from. */
async function following<T>(
  server: TestServer,
  service: LogService,
  count: number,
  work: (all: readonly Subscriber[]) => Promise<T>,
): Promise<T> {
  const all = await Promise.all(
    Array.from({ length: count }, () => Subscriber.open(server, service.id)),
  )
  try {
    if (count > 0) {
      await until(async () => {
        await service.print(1)
        return all.every(({ deliveries }) => deliveries > 0)
      })
      await settled(server, service)
    }
    return await work(all)
  } finally {
    for (const one of all) one.close()
  }
}

/** Resolves when nothing has been printed for a while. */
async function settled(server: TestServer, service: LogService): Promise<void> {
  let last = -1
  await until(async () => {
    const now = await head(server, service)
    const isQuiet = now === last
    last = now
    await new Promise((resolve) => setTimeout(resolve, 200))
    return isQuiet
  })
}

async function head({ admin }: TestServer, { id }: LogService): Promise<number> {
  const { service } = await admin.request(Head, { id })
  return service?.logs.nodes[0]?.number ?? 0
}
