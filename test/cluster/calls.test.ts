import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { RevokeToken } from '../../testkit/operations/organizations.ts'
import { Client } from '../../testkit/client.ts'
import { seedOrganization, seedToken } from '../../testkit/seed/organizations.ts'
import { logOf, runningService } from '../../testkit/seed/services.ts'
import type { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'
import { server as program } from '../doors/programs.ts'
import { scrape, total } from '../observe/scrape.ts'
import { pair, type Pair } from './pair.ts'

const hasServers =
  process.env['TEST_DATABASE_URL'] !== undefined && process.env['TEST_REDIS_URL'] !== undefined

const owned = async ({ url, admin: { headers } }: TestServer) =>
  total(await scrape(url, headers), 'millrace_services_owned')

/* Whatever passes between callers and services passes between two servers too. */
describe.runIf(hasServers)('by way of the server that does not run it, a service', () => {
  let two: Pair
  let other: TestServer
  let admin: Client
  let organizationId: string
  let service: { id: string; path: string }
  beforeAll(async () => {
    two = await pair()
    const [a, b] = two.servers
    await a.start()
    await b.start()
    ;({ admin, id: organizationId } = await seedOrganization(a))
    const made = await runningService(admin, program.files, { command: program.command })
    service = { id: made.id, path: new URL(made.invokeUrl).pathname }
    await until(async () => (await owned(a)) + (await owned(b)) === 1)
    other = (await owned(a)) === 1 ? b : a
  })
  afterAll(() => two.close())

  async function ask(method: string, path: string, headers: Record<string, string>, body: string) {
    const { hostname, port } = new URL(other.url)
    const options = { hostname, port, method, path: `${service.path}${path}` }
    const asking = request({ ...options, headers: { ...admin.headers, ...headers } })
    asking.write(body)
    if (headers['trailer'] !== undefined) asking.addTrailers({ 'x-digest': 'd' })
    asking.end()
    const [answer] = (await once(asking, 'response')) as [IncomingMessage] // what the event carries
    return { answer, body: await text(answer) }
  }

  test('is called with every method, and knows where', async () => {
    for (const method of ['PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'PUT']) {
      const { body } = await ask(method, '/a//b?c', { 'content-length': '3' }, 'abc')
      expect(JSON.parse(body)).toMatchObject({
        method,
        url: '/a//b?c',
        body: 'abc',
        headers: {
          host: new URL(other.url).host,
          'x-forwarded-prefix': service.path,
          forwarded: `for=127.0.0.1;host="${new URL(other.url).host}";proto=http`,
        },
      })
    }
  })

  test('gets and sends fields behind bodies', async () => {
    const { answer, body } = await ask('POST', '/trailers', { trailer: 'x-digest' }, 'abc')
    expect(body).toBe('first last')
    expect(answer.trailers).toMatchObject({ 'x-sum': '3', 'x-sent': '{"x-digest":"d"}' })
  })

  test('holds a WebSocket, until whose it is may no longer call', async () => {
    const { secret, token } = await seedToken(admin, organizationId, 'VIEWER')
    const caller = new Client(other.url, secret)
    const socket = new WebSocket(`${other.url.replace('http', 'ws')}${service.path}/chat`, {
      headers: caller.headers,
    })
    const said: string[] = []
    socket.on('message', (data: Buffer) => void said.push(data.toString()))
    const closed = once(socket, 'close')
    await once(socket, 'open')
    const long = 'x'.repeat(3_000_000)
    socket.send(long)
    await until(() => said.length === 2)
    expect(said[1]).toBe(long)
    // on either server: each hears of it
    await admin.request(RevokeToken, { input: { id: token.id } })
    expect((await closed)[0]).toBe(1006)
    await until(async () => (await logOf(admin, service.id)).includes('closed with 1006'))
    const refused = new WebSocket(`${other.url.replace('http', 'ws')}${service.path}/no`, {
      headers: admin.headers,
    })
    const [, answer] = (await once(refused, 'unexpected-response')) as [unknown, IncomingMessage] // of ws
    expect([answer.statusCode, await text(answer)]).toEqual([426, 'never'])
  })
})
