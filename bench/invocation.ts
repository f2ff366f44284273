import { randomBytes } from 'node:crypto'
import { runningService } from '../testkit/seed/services.ts'
import type { TestServer } from '../testkit/server.ts'
import { proxy } from './support/rival.ts'
import { load, type Load } from './support/load.ts'
import { onStage, type Kind } from './support/stage.ts'
import { figure, printTable, ratio } from './support/table.ts'

const handlers = {
  'Node.js': {
    image: 'node',
    files: {
      'package.json': '{"type":"module"}',
      'main.js': `
        import { readFileSync } from 'node:fs'
        const whole = readFileSync('/proc/self/environ', 'latin1')
        export const handler = (request) =>
          new Response(request.method === 'GET' ? whole : request.body, {
            headers: { 'content-type': request.headers.get('content-type') ?? 'text/plain' },
          })`,
    },
  },
  Python: {
    image: 'python',
    files: {
      'main.py': `
with open("/proc/self/environ", "rb") as file:
    whole = file.read()

def handler(request, context):
    body = whole if request.http_method == "GET" else request.read()
    return {"content": body, "content_type": "application/octet-stream"}
`,
    },
  },
} as const

const bodies = {
  '1 kB JSON': {
    type: 'application/json',
    bytes: Buffer.from(JSON.stringify({ text: 'x'.repeat(1_000) })),
  },
  '1 MB binary': { type: 'application/octet-stream', bytes: randomBytes(1_000_000) },
} as const

/** Calls of a service that echoes: straight to its process, and through Millrace. */
export const invocation = (kind: Kind): Promise<void> =>
  onStage(kind, async (server) => {
    const rows: Record<string, string>[] = []
    for (const [language, { image, files }] of Object.entries(handlers)) {
      const { invokeUrl } = await runningService(server.admin, files, { image })
      for (const [what, { type, bytes }] of Object.entries(bodies)) {
        const headers = { 'content-type': type }
        const { url, key } = await instanceOf(server, invokeUrl)
        const direct = await load(url, { ...headers, ...key }, bytes, server.pid)
        const through = await load(
          invokeUrl,
          { ...headers, ...server.admin.headers },
          bytes,
          server.pid,
        )
        const bare = await proxy(
          url,
          server.admin.headers['authorization'] ?? '',
          key['millrace-instance-key'],
        )
        const least = await load(bare.url, { ...headers, ...server.admin.headers }, bytes, bare.pid)
        await bare.stop()
        rows.push(row(`${language}, ${what}`, direct, through, least))
      }
    }
    printTable(
      `Calls of a service that echoes, ${kind}: 16 kept connections; direct → through Millrace (through a bare proxy)`,
      rows,
    )
  })

/** Where the only instance listens, and what it wants to see: it answers the environment it was started with. */
async function instanceOf({ admin }: TestServer, invokeUrl: string) {
  const response = await fetch(invokeUrl, { headers: admin.headers })
  if (!response.ok) throw new Error(await response.text())
  const variables = (await response.text()).split('\0').map((line) => line.split('='))
  const { PORT, MILLRACE_INSTANCE_KEY } = Object.fromEntries(variables)
  const key = { 'millrace-instance-key': MILLRACE_INSTANCE_KEY ?? '' }
  return { url: `http://127.0.0.1:${PORT}/`, key }
}

const row = (what: string, direct: Load, through: Load, least: Load) => ({
  '': what,
  'requests/s': arrow(direct.perSecond, through.perSecond, least.perSecond),
  'share of direct': ratio(through.perSecond, direct.perSecond),
  'share of the proxy': ratio(through.perSecond, least.perSecond),
  'p50 ms': arrow(direct.p50Ms, through.p50Ms, least.p50Ms),
  'p99 ms': arrow(direct.p99Ms, through.p99Ms, least.p99Ms),
  'server CPU, µs/call': `${figure(through.cpuMicroseconds)} (${figure(least.cpuMicroseconds)})`,
})

const arrow = (from: number, to: number, least: number): string =>
  `${figure(from)} → ${figure(to)} (${figure(least)})`
