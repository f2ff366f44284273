import { fileURLToPath } from 'node:url'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { seedDeployment } from '../testkit/seed/services.ts'
import type { TestServer } from '../testkit/server.ts'
import { until } from '../testkit/until.ts'
import { logService, type LogService } from './support/log-service.ts'
import { onStage, type Kind } from './support/stage.ts'
import { Subscriber } from './support/subscriber.ts'
import { figure, percentile, printTable, ratio } from './support/table.ts'
import { cpuMicroseconds } from './support/usage.ts'

const SUBSCRIBERS = 1_000
const LINES = 600
const LINES_PER_SECOND = 20
const QUIET_SECONDS = 10
const PATIENCE = { timeoutMs: 180_000 }

/** How late each delivery came, and what the server spent meanwhile. */
interface Spent {
  readonly late: readonly number[]
  readonly seconds: number
  readonly cpu: number
  readonly statements: number
}

/**
 * A thousand WebSocket subscribers on one busy log, beside a bare `ws` server that sends the same lines to as many
 * sockets; then a thousand on as many silent streams, which should cost next to nothing.
 */
export const subscribers = (kind: Kind): Promise<void> =>
  onStage(
    kind,
    async (server) => {
      const service = await logService(server.admin)
      const busy = await onOneLog(server, service)
      const bare = await broadcast()
      printTable(`${SUBSCRIBERS} WebSocket subscribers of one log, ${kind}: 20 lines/s`, [
        row('bare ws broadcast', bare, bare),
        row('Millrace', busy, bare),
      ])
      const quiet = await onSilentStreams(server)
      printTable(`${SUBSCRIBERS} WebSocket subscribers of as many silent streams, ${kind}`, [
        {
          'CPU of the server, % of a core': figure(quiet.cpu / quiet.seconds / 1e4),
          'statements/s': figure(quiet.statements / quiet.seconds),
        },
      ])
    },
    { MAX_SOCKETS: '5000', OPERATIONS_PER_SECOND: '0', METRICS_TOKEN: 'metrics-of-the-bench' },
  )

function row(name: string, spent: Spent, bare: Spent): Record<string, string> {
  const perDelivery = (one: Spent): number => one.cpu / one.late.length
  return {
    '': name,
    'p50 ms': figure(percentile(spent.late, 0.5)),
    'p99 ms': figure(percentile(spent.late, 0.99)),
    'CPU, µs/line and subscriber': figure(perDelivery(spent)),
    'of bare': ratio(perDelivery(spent), perDelivery(bare)),
    'statements/s': spent === bare ? '' : figure(spent.statements / spent.seconds),
  }
}

const now = (): number => performance.timeOrigin + performance.now()

async function onOneLog(server: TestServer, service: LogService): Promise<Spent> {
  const late: number[] = []
  const all = await opened(() => Subscriber.open(server, service.id))
  try {
    await until(async () => {
      await service.print(1)
      return all.every(({ deliveries }) => deliveries > 0)
    }, PATIENCE)
    for (const one of all)
      one.onDelivery = (text) => {
        const came = now()
        for (const [, written] of text.matchAll(/"text":"([\d.]+) INFO/g))
          late.push(came - Number(written))
      }
    return await spending(server, async () => {
      await service.print(LINES, LINES_PER_SECOND)
      await until(() => late.length >= LINES * SUBSCRIBERS, PATIENCE)
      return late
    })
  } finally {
    for (const one of all) one.close()
  }
}

async function onSilentStreams(server: TestServer): Promise<Spent> {
  const ids: string[] = []
  while (ids.length < SUBSCRIBERS) ids.push((await seedDeployment(server.admin)).id)
  const all = await opened((n) => Subscriber.ofDeployment(server, ids[n] ?? ''))
  try {
    await until(() => all.every(({ deliveries }) => deliveries > 0), PATIENCE) // the present state
    return await spending(server, async () => {
      await pause(QUIET_SECONDS * 1_000)
      return []
    })
  } finally {
    for (const one of all) one.close()
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** So many of them, fifty at a time. */
async function opened(open: (n: number) => Promise<Subscriber>): Promise<Subscriber[]> {
  const all: Subscriber[] = []
  while (all.length < SUBSCRIBERS) {
    const { length } = all
    all.push(...(await Promise.all(Array.from({ length: 50 }, (_, n) => open(length + n)))))
  }
  return all
}

async function spending(
  server: TestServer,
  work: () => Promise<readonly number[]>,
): Promise<Spent> {
  const [statementsBefore, cpuBefore, begun] = [
    await statements(server),
    cpuMicroseconds(server.pid),
    performance.now(),
  ]
  const late = await work()
  return {
    late,
    seconds: (performance.now() - begun) / 1_000,
    cpu: cpuMicroseconds(server.pid) - cpuBefore,
    statements: (await statements(server)) - statementsBefore,
  }
}

/** Statements the server has sent so far, as its own metrics count them. */
async function statements({ url }: TestServer): Promise<number> {
  const headers = { authorization: 'Bearer metrics-of-the-bench' }
  const text = await (await fetch(`${url}/metrics`, { headers })).text()
  const counts = text.matchAll(/^millrace_database_statement_duration_seconds_count\S* (\d+)/gm)
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
}

/** The same lines from a server that does nothing but send them. */
async function broadcast(): Promise<Spent> {
  const file = fileURLToPath(new URL('support/broadcast.mjs', import.meta.url))
  const child: ChildProcess = fork(file, [String(LINES), String(LINES_PER_SECOND)])
  const [url] = (await once(child, 'message')) as [string]
  const late: number[] = []
  const all = await opened(() =>
    Subscriber.bare(url, (text) => late.push(now() - Number(/"text":"([\d.]+)/.exec(text)?.[1]))),
  )
  const pid = child.pid ?? 0
  const [cpuBefore, begun] = [cpuMicroseconds(pid), performance.now()]
  child.send('go')
  await until(() => late.length >= LINES * SUBSCRIBERS, PATIENCE)
  const spent = {
    late,
    seconds: (performance.now() - begun) / 1_000,
    cpu: cpuMicroseconds(pid) - cpuBefore,
    statements: 0,
  }
  for (const one of all) one.close()
  const ended = once(child, 'exit')
  child.kill()
  await ended
  return spent
}
