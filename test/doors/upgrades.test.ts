import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { back } from '../../src/doors/headers.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { until } from '../../testkit/until.ts'

/* What callers send who do not keep to what is usual, byte for byte. */

let app: TestApp
beforeAll(async () => {
  app = await testApp()
})
afterAll(() => app.close())

const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

function connected(): { socket: Socket; said: () => string } {
  const { hostname, port } = new URL(app.url)
  const socket = connect({ host: hostname, port: Number(port) })
  let text = ''
  socket.setEncoding('latin1').on('data', (data: string) => void (text += data))
  socket.on('error', () => {}) // whoever is cut off
  return { socket, said: () => text }
}

const get = (path: string, fields = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${new URL(app.url).host}\r\n${fields}\r\n`

test.each(['/nowhere', '/graphql'])(
  'an upgrade of %s behind a request that is still being answered has its turn',
  async (path) => {
    const { socket, said } = connected()
    socket.write(get('/healthz') + get('/healthz') + get(path, UPGRADE))
    const answers = (): string[] => said().match(/(?<=HTTP\/1\.1 )\d+/g) ?? []
    await until(() => answers().length === 3)
    expect(answers().slice(0, 2)).toEqual(['200', '200'])
    socket.destroy()
    expect((await fetch(`${app.url}/healthz`)).status).toBe(200)
  },
)

const open = async (): Promise<string | undefined> => {
  const read = await fetch(`${app.url}/metrics`, { headers: app.admin.headers })
  return /^millrace_service_websockets (\d+)/m.exec(await read.text())?.[1]
}

test('of a caller who was refused an upgrade nothing is left, whatever else it sends', async () => {
  const sockets = Array.from({ length: 5 }, () => {
    const { socket, said } = connected()
    socket.write(get('/nowhere', UPGRADE))
    return { socket, said }
  })
  for (const [index, { socket, said }] of sockets.entries()) {
    await until(() => said().includes('404'))
    if (index % 2 === 0) socket.end('more')
  }
  await until(async () => (await open()) === '0')
  for (const { socket } of sockets) socket.destroy()
})

test('whatever a service says of addresses is read once', () => {
  const [instance, address] = ['http://127.0.0.1:4000', 'http://m.example/services/one']
  const spaces = ' '.repeat(2_000_000)
  const said = {
    refresh: `0; url${spaces}x`,
    link: '<'.repeat(2_000_000),
    'set-cookie': [`a=b; path${spaces}x`, `a=b; path=${spaces}x`],
  }
  const cookies = said['set-cookie'].map((cookie) => `${cookie}; Path=/services/one`)
  expect(back(said, instance, address)).toEqual({ ...said, 'set-cookie': cookies })
})

test.each([
  ['location', 'http://127.0.0.1:4000/a', 'http://m.example/services/one/a'],
  // addresses of others, however they begin
  ['location', 'http://127.0.0.1:4000.evil.example/', 'http://127.0.0.1:4000.evil.example/'],
  ['location', 'http://127.0.0.1:4000@evil.example/', 'http://127.0.0.1:4000@evil.example/'],
  ['refresh', '5; /a', '5; /services/one/a'],
  ['refresh', `5;URL='/a b'`, `5;URL='/services/one/a b'`],
  ['refresh', '5', '5'],
  ['link', '</a>; rel=x, <b>; title="<"', '</services/one/a>; rel=x, <b>; title="<"'],
  ['set-cookie', 'a=b; Path=/x; Path=/', 'a=b; Path=/services/one/x; Path=/services/one'],
])('%s: %s', (name, said, told) => {
  const answer = back({ [name]: said }, 'http://127.0.0.1:4000', 'http://m.example/services/one')
  expect(answer[name]).toBe(told)
})
