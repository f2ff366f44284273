import type { Client } from '../../testkit/client.ts'
import { runningService } from '../../testkit/seed/services.ts'

/** What the service prints: a line as programs write them, with the time at which it was written. */
const main = `
import { writeSync } from 'node:fs'

const clock = () => (performance.timeOrigin + performance.now()).toFixed(3)
const line = (n) => clock() + ' INFO request ' + n + ' of the model was answered in 12.3 ms, nothing odd was seen\\n'

/** As fast as it can, in blocks, as every program does whose standard output is no terminal. */
function flood(lines) {
  for (let n = 0; n < lines; n += 500) {
    let block = ''
    for (let i = n; i < Math.min(n + 500, lines); i += 1) block += line(i)
    writeSync(1, block)
  }
}

/** One line at a time, so many a second. */
function drip(lines, perSecond) {
  const begun = performance.now()
  let n = 0
  const timer = setInterval(() => {
    const due = Math.min(lines, ((performance.now() - begun) / 1000) * perSecond)
    for (; n < due; n += 1) writeSync(1, line(n))
    if (n >= lines) clearInterval(timer)
  }, 1)
}

export function handler(request) {
  const { searchParams } = new URL(request.url)
  const lines = Number(searchParams.get('lines'))
  const perSecond = Number(searchParams.get('perSecond'))
  // the answer first: what the call costs is no part of what is measured
  setTimeout(() => (perSecond > 0 ? drip(lines, perSecond) : flood(lines)), 5)
  return new Response()
}
`

/** One line of it, for the limit. */
export const SAMPLE =
  '1790000000000.123 INFO request 123456 of the model was answered in 12.3 ms, nothing odd was seen'

export interface LogService {
  readonly id: string
  /** Makes it print; without a pace as fast as it can. */
  print(lines: number, perSecond?: number): Promise<void>
}

export async function logService(client: Client): Promise<LogService> {
  const files = { 'package.json': '{"type":"module"}', 'main.js': main }
  const { id, invokeUrl } = await runningService(client, files, { image: 'node' })
  return {
    id,
    async print(lines, perSecond = 0) {
      const url = `${invokeUrl}?lines=${lines}&perSecond=${perSecond}`
      const { ok } = await fetch(url, { headers: client.headers })
      if (!ok) throw new Error('The service does not print.')
    },
  }
}
