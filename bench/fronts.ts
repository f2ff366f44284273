import { AbejaLogsDocument, AbejaServicesDocument } from '../src/generated/operations/graphql.ts'
import { Abeja, ECHO } from '../testkit/fronts/abeja.ts'
import { load, type Load } from './support/load.ts'
import { onStage, type Kind } from './support/stage.ts'
import { figure, percentile, printTable, ratio } from './support/table.ts'

const SERVICES = 20
const LINES = 100
const ROUNDS = 3

interface Contender {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly headers: Record<string, string>
  readonly body: Buffer
}

/**
 * What a front costs: two reads as a client of ABEJA sends them, beside the front's own operation with the same
 * variables through the fast door of GraphQL, which writes more of it; and a call of a service under either path.
 */
export const fronts = (kind: Kind): Promise<void> =>
  onStage(
    kind,
    async (server) => {
      const { admin } = server
      const abeja = await Abeja.of(admin)
      const running = await abeja.running(ECHO)
      const { deployment, service, version } = running
      const services = `/deployments/${deployment}/services`
      for (let n = 1; n < SERVICES; n += 1) {
        const made = await abeja.did('POST', services, { version_id: version })
        await abeja.did('POST', `${services}/${made.service_id}/stop`)
      }
      const call = `${server.url}/deployments/${deployment}/services/${service}`
      const lines = Array.from({ length: 20 }, (_, n) => `line ${n}`).join('\n')
      for (let n = 0; n < LINES / 20; n += 1)
        await fetch(call, { method: 'POST', headers: admin.headers, body: lines })
      const at = `${abeja.base}/organizations/${abeja.organization}`
      const address = `abeja:${abeja.organization}/${deployment}`
      const pairs = {
        [`services, ${SERVICES}`]: [
          read(`${at}${services}`, admin.headers),
          asked(server.url, admin.headers, String(AbejaServicesDocument), {
            deployment: address,
            first: 100,
          }),
        ],
        [`recentlogs, ${LINES}`]: [
          read(`${at}${services}/${service}/recentlogs`, admin.headers),
          asked(server.url, admin.headers, String(AbejaLogsDocument), {
            service: `${address}/${service}`,
            last: LINES,
          }),
        ],
        'call, 1 kB': [
          sent(`${abeja.base}/deployments/${deployment}/services/${service}`, admin.headers),
          sent(call.replace(/\/deployments.*/, await ownPath(admin, service)), admin.headers),
        ],
      } as const
      const rows: Record<string, string>[] = []
      for (const [what, [front, other]] of Object.entries(pairs)) {
        const loads = { front: [] as Load[], other: [] as Load[] }
        for (let round = 0; round < ROUNDS; round += 1) {
          loads.other.push(await measured(other, server.pid))
          loads.front.push(await measured(front, server.pid))
        }
        rows.push(row(what, loads.other, loads.front))
      }
      printTable(
        `Millrace’s own → ABEJA’s front, ${kind}: 16 kept connections, median of ${ROUNDS} rounds`,
        rows,
      )
    },
    { OPERATIONS_PER_SECOND: '0' },
  )

const NOTHING = Buffer.alloc(0)

const read = (url: string, headers: Record<string, string>): Contender => ({
  url,
  method: 'GET',
  headers,
  body: NOTHING,
})

const asked = (
  url: string,
  headers: Record<string, string>,
  query: string,
  variables: object,
): Contender => ({
  url: `${url}/graphql`,
  method: 'POST',
  headers: { ...headers, 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify({ query, variables })),
})

const sent = (url: string, headers: Record<string, string>): Contender => ({
  url,
  method: 'POST',
  headers: { ...headers, 'content-type': 'application/octet-stream' },
  body: Buffer.from('x'.repeat(1_000)),
})

/** The path of a service by Millrace's own ids. */
async function ownPath(
  { url, headers }: { url: string; headers: Record<string, string> },
  service: string,
): Promise<string> {
  const query = `{ service(id: "abeja:${service}") { ... on ProcessService { invokeUrl } } }`
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  })
  const answer = (await response.json()) as { data: { service: { invokeUrl: string } } }
  return new URL(answer.data.service.invokeUrl).pathname
}

async function measured({ url, method, headers, body }: Contender, pid: number): Promise<Load> {
  let bytes = 0
  // the second and third time is what is measured: known, and compiled
  for (let n = 0; n < 3; n += 1) {
    const init = method === 'GET' ? {} : { body: new Uint8Array(body) }
    const response = await fetch(url, { method, headers, ...init })
    const text = await response.text()
    if (!response.ok || text.includes('"errors"')) throw new Error(`${url}: ${text}`)
    bytes = Buffer.byteLength(text)
  }
  return load(url, headers, body, pid, bytes, method)
}

const median = (loads: readonly Load[], of: (one: Load) => number): number =>
  percentile(loads.map(of), 0.5)

const perSecond = ({ perSecond: rate }: Load): number => rate

function row(what: string, own: readonly Load[], front: readonly Load[]): Record<string, string> {
  const both = (of: (one: Load) => number): string =>
    `${figure(median(own, of))} → ${figure(median(front, of))}`
  return {
    '': what,
    'requests/s': both(perSecond),
    share: ratio(median(front, perSecond), median(own, perSecond)),
    'p50 ms': both(({ p50Ms }) => p50Ms),
    'p99 ms': both(({ p99Ms }) => p99Ms),
    'server CPU, µs/request': both(({ cpuMicroseconds }) => cpuMicroseconds),
  }
}
