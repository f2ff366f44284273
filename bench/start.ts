import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { TestServer } from '../testkit/server.ts'
import { until } from '../testkit/until.ts'
import { blank, type Kind } from './support/stage.ts'
import { figure, percentile, printTable, ratio } from './support/table.ts'

const ROUNDS = 3

/** From spawning `serve` until /readyz answers 200. */
export async function start(kind: Kind): Promise<void> {
  const first: number[] = []
  const later: number[] = []
  const bare: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    bare.push(await timed(bareNode))
    const database = await blank(kind)
    const server = new TestServer(database)
    try {
      first.push(await timed(() => ready(server)))
      await server.end('SIGTERM')
      later.push(await timed(() => ready(server)))
    } finally {
      await server.end('SIGTERM')
      await database.drop()
    }
  }
  const node = percentile(bare, 0.5)
  const row = (what: string, values: readonly number[]) => {
    const ms = percentile(values, 0.5)
    return { '': what, ms: figure(ms), 'of bare Node.js': ratio(ms, node) }
  }
  printTable(`Start until ready, ${kind}: median of ${ROUNDS}`, [
    row('bare Node.js (`node -e 0`)', bare),
    row('first start, nothing there', first),
    row('later start', later),
  ])
}

async function ready(server: TestServer): Promise<void> {
  await server.start()
  await until(async () => (await fetch(`${server.url}/readyz`)).ok)
}

async function bareNode(): Promise<void> {
  await once(spawn(process.execPath, ['-e', '0']), 'exit')
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}
