import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../src/db/open.ts'

/*
 * A stand-in for PostgreSQL, as far as it takes to let a client in and to answer SELECT 1
 * (https://www.postgresql.org/docs/current/protocol-message-formats.html).
 */
const message = (type: string, body = Buffer.alloc(0)): Buffer => {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return Buffer.concat([Buffer.from(type), length, body])
}
const LET_IN = [message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))]
const ANSWER = [message('C', Buffer.from('SELECT 1\0')), message('Z', Buffer.from('I'))]
const ENDED = message('E', Buffer.from('SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0'))

test('a connection that is ended in the packet that lets it in fails what it was for, and nothing else', async () => {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    const isFirst = sockets.push(socket) === 1
    socket.on('error', () => {})
    socket.once('data', () => {
      if (!isFirst) return socket.end(Buffer.concat([...LET_IN, ENDED]))
      socket.on('data', () => socket.end(Buffer.concat([...ANSWER, ENDED])))
      return socket.write(Buffer.concat(LET_IN))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo // a TCP server has one
  const log = { info() {}, warn() {}, error() {} }
  const database = await openDatabase({
    url: `postgres://someone@127.0.0.1:${port}/some`,
    dataDir: tmpdir(),
    log,
  })
  for (let n = 0; n < 3; n += 1)
    await expect(database.transaction(async () => {})).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      missing: 'database',
    })
  expect(sockets.length).toBeGreaterThan(1)
  await database.close()
})
