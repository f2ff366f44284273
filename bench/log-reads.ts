import { setInterval } from 'node:timers'
import { graphql } from '../testkit/generated/index.ts'
import type { LogFormat } from '../testkit/generated/graphql.ts'
import type { TestServer } from '../testkit/server.ts'
import { until } from '../testkit/until.ts'
import { logService, type LogService } from './support/log-service.ts'
import { onStage, type Kind } from './support/stage.ts'
import { figure, percentile, printTable, ratio } from './support/table.ts'
import { cpuMicroseconds, residentMb } from './support/usage.ts'

const LINES = 1_000_000
const PAGE = 500
const ROUNDS = 60
const PATIENCE = { timeoutMs: 300_000 }

const Page = graphql(`
  query BenchLogPage($id: ID!, $first: Int, $after: String, $from: SafeInt) {
    service(id: $id) {
      logs(first: $first, after: $after, from: $from) {
        nodes {
          number
          text
        }
        pageInfo {
          endCursor
        }
        lastNumber
      }
    }
  }
`)

const File = graphql(`
  query BenchLogFile($id: ID!, $format: LogFormat!) {
    service(id: $id) {
      logDownloadUrl(format: $format)
    }
  }
`)

/** A log of a million lines: a page from its middle by number and by cursor, and the whole as a file. */
export const logReads = (kind: Kind): Promise<void> =>
  onStage(
    kind,
    async (server) => {
      const service = await logService(server.admin)
      await service.print(LINES)
      await until(async () => (await page(server, service, { first: 1 })).last >= LINES, PATIENCE)
      const { number, cursor } = await pages(server, service)
      printTable(`${PAGE} lines from the middle of a log of ${figure(LINES)}, ${kind}`, [
        { '': 'by cursor', 'median ms': figure(percentile(cursor, 0.5)), 'of cursor': '' },
        {
          '': 'by number',
          'median ms': figure(percentile(number, 0.5)),
          'of cursor': ratio(percentile(number, 0.5), percentile(cursor, 0.5)),
        },
      ])
      const files: Readonly<Record<string, string>>[] = []
      for (const format of ['TEXT', 'TIMED_TEXT', 'NDJSON'] as const)
        files.push(await download(server, service, format))
      printTable(`The same log as a file, ${kind}`, files)
    },
    { OPERATIONS_PER_SECOND: '0', LOG_RETENTION_LINES: '0' },
  )

async function page(
  { admin }: TestServer,
  { id }: LogService,
  range: { first: number; after?: string | undefined; from?: number },
) {
  const { service } = await admin.request(Page, { id, ...range })
  const logs = service?.logs
  return {
    first: logs?.nodes[0]?.number,
    last: logs?.lastNumber ?? 0,
    after: logs?.pageInfo.endCursor ?? undefined,
  }
}

/** How many ms each took, of pages by number and by cursor that take turns. */
async function pages(server: TestServer, service: LogService) {
  const middle = LINES / 2
  const { after } = await page(server, service, { first: 1, from: middle - 1 })
  const took = { number: [] as number[], cursor: [] as number[] }
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [way, range] of [
      ['number', { first: PAGE, from: middle }],
      ['cursor', { first: PAGE, after }],
    ] as const) {
      const begun = performance.now()
      const { first } = await page(server, service, range)
      if (first !== middle) throw new Error(`The page by ${way} begins with line ${first}.`)
      took[way].push(performance.now() - begun)
    }
  return took
}

/** Fetches the whole log, and looks at the memory of the server meanwhile. */
async function download(
  server: TestServer,
  { id }: LogService,
  format: LogFormat,
): Promise<Readonly<Record<string, string>>> {
  const { service } = await server.admin.request(File, { id, format })
  const before = residentMb(server.pid)
  let most = before
  const watching = setInterval(() => (most = Math.max(most, residentMb(server.pid))), 50)
  const cpu = cpuMicroseconds(server.pid)
  const begun = performance.now()
  let firstMs: number | undefined
  let bytes = 0
  let lines = 0
  const { body } = await fetch(service?.logDownloadUrl ?? '')
  for await (const chunk of body ?? []) {
    firstMs ??= performance.now() - begun
    bytes += chunk.length
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines += 1
  }
  clearInterval(watching)
  if (lines < LINES) throw new Error(`The file has ${lines} lines.`)
  const seconds = (performance.now() - begun) / 1_000
  return {
    '': format,
    MB: figure(bytes / 1e6),
    'first byte, ms': figure(firstMs ?? Number.NaN),
    'lines/s': figure(lines / seconds),
    'server CPU, µs/line': figure((cpuMicroseconds(server.pid) - cpu) / lines),
    'MB of memory before': figure(before),
    'most meanwhile': figure(most),
  }
}
