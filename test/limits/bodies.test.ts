import { once } from 'node:events'
import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { wholeBody } from '../../src/kit/http/body.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { doors } from './doors.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp({ MAX_BODY_BYTES: '4096' })
})
afterAll(() => app.close())

const big = JSON.stringify({ query: '{ __typename }', padding: 'x'.repeat(8_000) })

function post(headers: Record<string, string>): ClientRequest {
  return request(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...app.admin.headers, ...headers },
  })
}

async function answerTo(sending: ClientRequest) {
  const [answer] = (await once(sending, 'response')) as [IncomingMessage] // what the event carries
  return { status: answer.statusCode, body: await json(answer) }
}

const tooLarge = { status: 413, body: { errors: [{ extensions: { code: 'QUOTA_REACHED' } }] } }

test('a body that is too large is 413 with a GraphQL error, announced or in chunks', async () => {
  const announced = post({ 'content-length': String(Buffer.byteLength(big)) })
  announced.end(big)
  expect(await answerTo(announced)).toMatchObject(tooLarge)
  const chunked = post({ 'transfer-encoding': 'chunked' })
  for (let at = 0; at < big.length; at += 1_000) chunked.write(big.slice(at, at + 1_000))
  chunked.end()
  expect(await answerTo(chunked)).toMatchObject(tooLarge)
})

test('a body that never ends is answered when it is too large, while it comes', async () => {
  const endless = post({ 'transfer-encoding': 'chunked' })
  endless.on('error', () => {}) // the server cuts it in the end
  endless.write(big)
  expect(await answerTo(endless)).toMatchObject(tooLarge)
  endless.destroy()
  const cut = post({ 'content-length': '100000000' })
  cut.on('error', () => {}) // as above
  cut.write(big)
  expect(await answerTo(cut)).toMatchObject(tooLarge)
  cut.destroy()
})

test('a body that is shorter than announced is not waited for when the caller has gone', async () => {
  const short = post({ 'content-length': '1000' })
  short.on('error', () => {}) // it is destroyed here
  short.write('{"query":')
  short.destroy()
  expect((await doors['POST']!(app.admin, { query: '{ __typename }' })).data).toBeTruthy()
})

test('a body that does not come is given up', async () => {
  const body = new PassThrough()
  body.write('{"query":')
  await expect(wholeBody(body, { maxBodyBytes: 1_000, bodyTimeoutMs: 20 })).rejects.toMatchObject({
    code: 'TIMEOUT',
  })
  expect(body.listenerCount('data')).toBe(0)
})

test('a URL that is too long is 414 with a GraphQL error', async () => {
  const query = `{ __typename ${' '.repeat(9_000)} }`.replaceAll(' ', '+')
  const response = await fetch(`${app.url}/graphql?query=${query}`, { headers: app.admin.headers })
  expect(response.status).toBe(414)
  expect(await response.json()).toMatchObject({
    errors: [{ extensions: { code: 'BAD_REQUEST' } }],
  })
})

test('a WebSocket frame that is too large closes the socket with 1009', async () => {
  const socket = new WebSocket(`${app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  await once(socket, 'open')
  socket.send('x'.repeat(2_000_000))
  const [code] = (await once(socket, 'close')) as [number] // what the event carries
  expect(code).toBe(1009)
})
