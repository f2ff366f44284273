import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { graphql } from '../../../testkit/generated/index.ts'
import { runningService } from '../../../testkit/seed/services.ts'
import { sharedApp, type SharedApp } from '../../../testkit/shared.ts'
import { until } from '../../../testkit/until.ts'
import { server } from '../../doors/programs.ts'

/* A service that was made elsewhere, called by ABEJA's paths with all that HTTP/1.1 has (contract abeja 6). */

const Addresses = graphql(`
  query PassingAddresses($id: ID!) {
    service(id: $id) {
      address(front: ABEJA)
      ... on ProcessService {
        deployment {
          address(front: ABEJA)
        }
      }
    }
  }
`)

let app: SharedApp
let path: string
beforeAll(async () => {
  app = await sharedApp()
  const { id } = await runningService(app.admin, server.files, { command: server.command })
  const { service } = await app.admin.request(Addresses, { id })
  if (service === null || !('deployment' in service)) throw new Error('It is not there.')
  path = `/deployments/${service.deployment.address}/services/${service.address}`
})
afterAll(() => app.close())

const places = ['', '/abeja']

test.each(places)(
  'at "%s" methods that no document can name pass too, but TRACE',
  async (prefix) => {
    const ask = async (method: string, body: string) => {
      const headers = { ...app.admin.headers, 'content-length': String(body.length) }
      const asking = request(app.url + prefix + path, { method, headers }).end(body)
      const [answer] = (await once(asking, 'response')) as [IncomingMessage] // what the event carries
      return { status: answer.statusCode, text: await text(answer) }
    }
    for (const method of ['PROPFIND', 'REPORT', 'MKCOL', 'LOCK', 'DELETE']) {
      const answer = await ask(method, 'abc')
      expect([method, answer.status]).toEqual([method, 200])
      expect(JSON.parse(answer.text)).toMatchObject({ method, body: 'abc' })
    }
    expect([404, 405]).toContain((await ask('TRACE', '')).status)
  },
)

test.each(places)('at "%s" a body with fields behind it arrives', async (prefix) => {
  const headers = { ...app.admin.headers, trailer: 'x-digest', te: 'trailers' }
  const asking = request(app.url + prefix + path, { method: 'POST', headers })
  asking.write('abc')
  asking.addTrailers({ 'x-digest': 'd' })
  asking.end('def')
  const [answer] = (await once(asking, 'response')) as [IncomingMessage] // what the event carries
  expect(JSON.parse(await text(answer))).toMatchObject({ body: 'abcdef' })
})

test.each(places)('at "%s" a WebSocket goes on with the service', async (prefix) => {
  const url = (app.url + prefix + path).replace('http', 'ws')
  const socket = new WebSocket(url, { headers: app.admin.headers })
  const said: string[] = []
  socket.on('message', (data: Buffer) => said.push(data.toString()))
  await once(socket, 'open')
  socket.send('hello')
  await until(() => said.includes('hello'))
  socket.close()
  await once(socket, 'close')
  const stranger = new WebSocket(url)
  const [, refused] = (await once(stranger, 'unexpected-response')) as [unknown, IncomingMessage]
  expect(refused.statusCode).toBe(401)
  refused.resume()
})
