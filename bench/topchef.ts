import type { TestServer } from '../testkit/server.ts'
import { load } from './support/load.ts'
import { onStage, type Kind } from './support/stage.ts'
import { figure, printTable, ratio } from './support/table.ts'
import { residentMb } from './support/usage.ts'

const SERVICES = 10
/** Jobs that wait in the service that is asked, before and after. */
const STORED = [10, 100_000] as const
const CHUNK = 1_000
const CONNECTIONS = [1, 8] as const
/** How often the list of all jobs is read. */
const LISTS = 5

/** What the old server did a second on two cores, with next to nothing stored (contract topchef, 13). */
const ANCHORS = {
  'GET services': { 1: '149', 8: '267' },
  'POST jobs': { 1: '197', 8: '281' },
  'GET queue': { 1: '-', 8: '-' },
} as const
type What = keyof typeof ANCHORS

/**
 * What TopChef's front does a second as its clients call it, with few jobs stored and with many, beside the old server's
 * figures; and the memory of the server while the list of all jobs is read, which it writes as it reads it.
 */
export const topchef = (kind: Kind): Promise<void> =>
  onStage(
    kind,
    async (server) => {
      const lab = await Lab.of(server)
      const rates: Record<number, Record<string, number>> = {}
      let stored = 0
      for (const count of STORED) {
        await lab.submit(count - stored)
        stored = count
        rates[count] = await measured(lab)
      }
      const [few, many] = STORED
      printTable(
        `TopChef’s front, requests/s, ${kind}: ${figure(few)} → ${figure(many)} jobs that wait`,
        Object.entries(ANCHORS).flatMap(([what, anchors]) =>
          CONNECTIONS.map((connections) => {
            const name = `${what}, ${connections}`
            const [before = Number.NaN, after = Number.NaN] = [few, many].map(
              (count) => rates[count]?.[name],
            )
            return {
              '': `${what}, ${connections} connection${connections === 1 ? '' : 's'}`,
              few: figure(before),
              many: figure(after),
              'many / few': ratio(after, before),
              'the old server': anchors[connections],
            }
          }),
        ),
      )
      const list = await listed(lab)
      printTable(`GET /topchef/jobs, ${kind}`, [list])
    },
    { OPERATIONS_PER_SECOND: '0' },
  )

class Lab {
  readonly base: string
  readonly headers: Record<string, string>
  readonly pid: number
  readonly #services: string[] = []

  private constructor({ url, admin, pid }: TestServer) {
    this.base = `${url}/topchef`
    this.headers = { ...admin.headers, 'content-type': 'application/json' }
    this.pid = pid
  }

  static async of(server: TestServer): Promise<Lab> {
    const lab = new Lab(server)
    for (let n = 0; n < SERVICES; n += 1) {
      const { data } = (await lab.post('/services', { name: `service ${n}`, ...SERVICE })) as {
        data: { service_details: { id: string } }
      }
      lab.#services.push(data.service_details.id)
    }
    return lab
  }

  get service(): string {
    return this.#services[0] ?? ''
  }

  async post(path: string, body: object, base = this.base): Promise<unknown> {
    const init = { method: 'POST', headers: this.headers, body: JSON.stringify(body) }
    const response = await fetch(base + path, init)
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }

  /** Many at once, which only Millrace can. */
  async submit(count: number): Promise<void> {
    const query = `mutation ($input: SubmitJobsInput!) { submitJobs(input: $input) { __typename ... on UserError { message } } }`
    const job = { serviceId: `topchef:${this.service}`, parameters: PARAMETERS }
    for (let left = count; left > 0; left -= CHUNK) {
      const input = { jobs: Array.from({ length: Math.min(CHUNK, left) }, () => job) }
      const graphql = this.base.replace('/topchef', '/graphql')
      const said = JSON.stringify(await this.post('', { query, variables: { input } }, graphql))
      if (!said.includes('SubmitJobsSuccess')) throw new Error(said)
    }
  }
}

const PARAMETERS = { value: 1 }
const SERVICE = {
  description: 'Adds.',
  job_registration_schema: {
    $schema: 'http://json-schema.org/draft-04/schema#',
    type: 'object',
    properties: { value: { type: 'integer', minimum: 0, exclusiveMinimum: true } },
    required: ['value'],
  },
  job_result_schema: { type: 'object', properties: { sum: { type: 'number' } } },
}

async function measured({ base, service, headers, pid }: Lab): Promise<Record<string, number>> {
  const calls: Record<What, readonly ['GET' | 'POST', string]> = {
    'GET services': ['GET', `${base}/services`],
    'GET queue': ['GET', `${base}/services/${service}/queue`],
    'POST jobs': ['POST', `${base}/services/${service}/jobs`], // the last: it adds to what is stored
  }
  const rates: Record<string, number> = {}
  for (const [what, [method, url]] of Object.entries(calls))
    for (const connections of CONNECTIONS) {
      const body = Buffer.from(method === 'POST' ? JSON.stringify({ parameters: PARAMETERS }) : '')
      const init = method === 'POST' ? { body: new Uint8Array(body) } : {}
      const text = await (await fetch(url, { method, headers, ...init })).text()
      const bytes = Buffer.byteLength(text)
      const one = await load(url, headers, body, pid, bytes, method, connections)
      rates[`${what}, ${connections}`] = one.perSecond
    }
  return rates
}

/** How the list of all jobs comes, and how much memory the server has at most meanwhile. */
async function listed({ base, headers, pid }: Lab): Promise<Record<string, string>> {
  const before = residentMb(pid)
  let most = before
  let bytes = 0
  const firsts: number[] = []
  const begun = performance.now()
  for (let n = 0; n < LISTS; n += 1) {
    const asked = performance.now()
    const { body } = await fetch(`${base}/jobs`, { headers })
    if (body === null) throw new Error('No list came.')
    let isFirst = true
    for await (const chunk of body) {
      if (isFirst) firsts.push(performance.now() - asked)
      isFirst = false
      bytes += chunk.length
      most = Math.max(most, residentMb(pid))
    }
  }
  const seconds = (performance.now() - begun) / 1000
  return {
    '': `read ${LISTS} times`,
    'MB each': figure(bytes / LISTS / 1e6),
    'MB/s': figure(bytes / 1e6 / seconds),
    'first bytes, ms': figure(Math.min(...firsts)),
    'server memory before, MB': figure(before),
    'at most': figure(most),
  }
}
