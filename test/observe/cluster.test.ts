import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { pair, type Pair } from '../cluster/pair.ts'
import { runningService } from '../../testkit/seed/services.ts'
import type { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'
import { scrape, total } from './scrape.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const hasServers =
  process.env['TEST_DATABASE_URL'] !== undefined && process.env['TEST_REDIS_URL'] !== undefined

const echo = {
  'package.json': '{"type":"module"}',
  'main.js': `export const handler = (request) => Response.json(Object.fromEntries(request.headers))`,
}

const metric = async (
  { url, admin }: TestServer,
  name: string,
  labels: Record<string, string> = {},
): Promise<number> => total(await scrape(url, admin.headers), name, labels)

describe.runIf(hasServers)('two servers', () => {
  let two: Pair
  beforeAll(async () => {
    two = await pair()
    for (const server of two.servers) await server.start()
  })
  afterAll(() => two.close())

  test('each tells of itself: who owns, who sends calls on, who takes over', async () => {
    const [a, b] = two.servers
    const service = await runningService(a.admin, echo, { image: 'node' })
    const owned = (server: TestServer) => metric(server, 'millrace_services_owned')
    await until(async () => (await owned(a)) + (await owned(b)) === 1)
    const [owner, other] = (await owned(a)) === 1 ? [a, b] : [b, a]

    const path = new URL(service.invokeUrl).pathname
    const answer = await fetch(other.url + path, {
      headers: { ...other.admin.headers, 'x-request-id': 'through-both' },
    })
    expect(answer.headers.get('x-request-id')).toBe('through-both')
    expect(await answer.json()).toMatchObject({ 'x-request-id': 'through-both' })
    const calls = (server: TestServer, via: string) =>
      metric(server, 'millrace_invocations_total', { via, outcome: 'ok' })
    await until(async () => (await calls(other, 'sent')) === 1)
    await until(async () => (await calls(owner, 'received')) === 1)
    expect(await calls(other, 'local')).toBe(0)
    expect(await metric(owner, 'millrace_service_takeovers_total')).toBe(0)

    await owner.end('SIGKILL')
    await until(async () => (await metric(other, 'millrace_service_takeovers_total')) === 1, {
      timeoutMs: 60_000,
    })
    await until(async () => (await owned(other)) === 1, { timeoutMs: 60_000 })
  })
})
