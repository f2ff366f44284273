import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp({ AUTH: 'open' })
})
afterAll(() => app.close())

/** The first line of the answer to a request that no client would let through. */
async function raw(lines: readonly string[]): Promise<string> {
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write([...lines, '', ''].join('\r\n'))
  const [answer] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as unknown[] // what the events carry
  socket.destroy()
  return String(answer).split('\r\n')[0] ?? ''
}

const targets = [
  '//[',
  '//[/graphql',
  '/graphql?query=%',
  '//graphql?query={__typename}',
  '/%',
  '*',
]
const hosts = ['localhost', '[', 'a b', '%', '', 'localhost:999999', 'user@localhost']

test('no target and no host is a fault, or the end of the server', async () => {
  const upgrade = [
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
  ]
  for (const target of targets)
    for (const host of hosts) {
      const authorization = `authorization: Bearer ${app.admin.token}`
      const plain = [`GET ${target} HTTP/1.1`, `host: ${host}`, authorization, 'connection: close']
      expect([target, host, await raw(plain)]).toEqual([
        target,
        host,
        expect.stringMatching(/^HTTP\/1\.1 [1234]/),
      ])
      const upgraded = [`GET ${target} HTTP/1.1`, `host: ${host}`, authorization, ...upgrade]
      expect([target, host, await raw(upgraded)]).toEqual([
        target,
        host,
        expect.stringMatching(/^HTTP\/1\.1 [1234]/),
      ])
    }
  expect((await fetch(`${app.url}/healthz`)).status).toBe(200)
})
