import type { Client } from '../testkit/client.ts'
import { StopService } from '../testkit/operations/services.ts'
import { seed } from '../testkit/seed/chain.ts'
import { until } from '../testkit/until.ts'
import { load, type Load } from './support/load.ts'
import { rival, type Rival } from './support/rival.ts'
import { onStage, type Kind } from './support/stage.ts'
import { figure, percentile, printTable, ratio } from './support/table.ts'

const SERVICES = 20
const ROUNDS = 3

/** The two operations, which every contender answers with the same data. */
const operations = {
  'one service': {
    query:
      'query One($id: ID!) { service(id: $id) { id name status ... on ProcessService { deployment { id name } } } }',
    variables: (id: string) => ({ id }),
  },
  'a page of 20': {
    query:
      'query Page($first: Int!) { services(first: $first) { nodes { id name status ... on ProcessService { deployment { id name } } } } }',
    variables: () => ({ first: SERVICES }),
  },
} as const

/**
 * Two reads by POST: through the fast door, through Yoga's own, and, on a PostgreSQL server, from a bare handler with
 * one prepared query and from mercurius with its compiler, both on the same rows. Rounds take turns.
 */
export const graphql = (kind: Kind): Promise<void> =>
  onStage(
    kind,
    async (server, { url: databaseUrl }) => {
      const ids: string[] = []
      for (let n = 0; n < SERVICES; n += 1) ids.push(await restingService(server.admin))
      const rivals: Rival[] = []
      try {
        if (databaseUrl !== undefined)
          for (const name of ['bare', 'mercurius'] as const)
            rivals.push(await rival(name, databaseUrl))
        for (const [what, { query, variables }] of Object.entries(operations)) {
          const body = Buffer.from(JSON.stringify({ query, variables: variables(ids[0] ?? '') }))
          const to = (type: string) => ({
            url: `${server.url}/graphql`,
            headers: { ...server.admin.headers, 'content-type': type },
            pid: server.pid,
          })
          const contenders = {
            'Millrace, fast door': to('application/json'),
            // Yoga takes this for JSON, the fast door does not
            'Millrace, Yoga’s door': to('application/graphql+json'),
            ...Object.fromEntries(
              rivals.map(({ name, url, pid }) => [
                name,
                { url, headers: { 'content-type': 'application/json' }, pid },
              ]),
            ),
          }
          const measured = new Map<string, Load[]>()
          for (let round = 0; round < ROUNDS; round += 1)
            for (const [name, { url, headers, pid }] of Object.entries(contenders)) {
              const bytes = await answered(url, headers, body)
              const one = await load(url, headers, body, pid, bytes)
              measured.set(name, [...(measured.get(name) ?? []), one])
            }
          printTable(
            `${what}, ${kind}: POST, 16 kept connections, median of ${ROUNDS} rounds`,
            rows(measured),
          )
        }
      } finally {
        for (const one of rivals) await one.stop()
      }
    },
    { OPERATIONS_PER_SECOND: '0' },
  )

/** A service whose process has been stopped, so that it takes nothing from what is measured. */
async function restingService(client: Client): Promise<string> {
  const files = { 'main.mjs': 'export const handler = () => new Response("")' }
  const made = seed(client).deployment().version(files, { image: 'node' }).service()
  const { id } = await made.made()
  await until(async () => {
    const { stopService } = await client.request(StopService, { input: { id } })
    return stopService.__typename === 'StopServiceSuccess'
  })
  return id
}

/** The bytes of an answer that has no errors. */
async function answered(
  url: string,
  headers: Record<string, string>,
  body: Buffer,
): Promise<number> {
  let bytes = 0
  // the second and third time is what is measured: known, and compiled
  for (let n = 0; n < 3; n += 1) {
    const response = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) })
    const text = await response.text()
    if (!response.ok || !text.startsWith('{"data":{"service'))
      throw new Error(`${url}: ${response.status} ${text}`)
    bytes = Buffer.byteLength(text)
  }
  return bytes
}

const median = (loads: readonly Load[], of: (one: Load) => number): number =>
  percentile(loads.map(of), 0.5)

function rows(measured: ReadonlyMap<string, readonly Load[]>): Record<string, string>[] {
  const bare = measured.get('bare')
  const fast = measured.get('Millrace, fast door') ?? []
  const base = median(bare ?? fast, ({ perSecond }) => perSecond)
  return [...measured].map(([name, loads]) => {
    const perSecond = median(loads, (one) => one.perSecond)
    return {
      '': name,
      'requests/s': figure(perSecond),
      [bare ? 'of bare' : 'of the fast door']: ratio(perSecond, base),
      'p50 ms': figure(median(loads, ({ p50Ms }) => p50Ms)),
      'p99 ms': figure(median(loads, ({ p99Ms }) => p99Ms)),
      'server CPU, µs/request': figure(median(loads, ({ cpuMicroseconds }) => cpuMicroseconds)),
    }
  })
}
