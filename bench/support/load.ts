import { Pool, type Dispatcher } from 'undici'
import { percentile } from './table.ts'
import { cpuMicroseconds } from './usage.ts'

const CONNECTIONS = 16
const WARM_UP_MS = 1_000
const MEASURE_MS = 3_000

export interface Load {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of the watched process, for one request. */
  readonly cpuMicroseconds: number
}

/**
 * Sends the same request over so many kept connections, each the next one as soon as it is answered, with so many
 * bytes: as many as were sent, where nothing else is expected.
 */
export async function load(
  url: string,
  headers: Record<string, string>,
  body: Buffer,
  watched: number,
  expected = body.length,
  method: 'POST' | 'GET' = 'POST',
  connections = CONNECTIONS,
): Promise<Load> {
  const { origin, pathname, search } = new URL(url)
  const pool = new Pool(origin, { connections, pipelining: 1 })
  const options: Dispatcher.DispatchOptions = {
    method,
    path: pathname + search,
    headers,
    ...(method === 'GET' ? {} : { body }),
  }
  const run = async (ms: number): Promise<Load> => {
    const latencies: number[] = []
    const cpuBefore = cpuMicroseconds(watched)
    const begun = performance.now()
    const worker = async (): Promise<void> => {
      for (let now = begun; now - begun < ms;) {
        const received = await answer(pool, options)
        if (received !== expected)
          throw new Error(`An answer of ${expected} bytes came with ${received}.`)
        const then = performance.now()
        latencies.push(then - now)
        now = then
      }
    }
    await Promise.all(Array.from({ length: connections }, worker))
    const seconds = (performance.now() - begun) / 1000
    return {
      perSecond: latencies.length / seconds,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
      cpuMicroseconds: (cpuMicroseconds(watched) - cpuBefore) / latencies.length,
    }
  }
  try {
    await run(WARM_UP_MS)
    return await run(MEASURE_MS)
  } finally {
    await pool.destroy()
  }
}

/** How many bytes are answered. Without undici's own request(), so that the load itself costs little. */
function answer(pool: Pool, options: Dispatcher.DispatchOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    let bytes = 0
    pool.dispatch(options, {
      onRequestStart() {},
      onResponseStart(_controller, status) {
        if (status >= 300) reject(new Error(`Answered ${status}.`))
      },
      onResponseData(_controller, chunk) {
        bytes += chunk.length
      },
      onResponseEnd: () => resolve(bytes),
      onResponseError: (_controller, cause) => reject(cause),
    })
  })
}
