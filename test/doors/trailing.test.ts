import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { exchangeTrailing } from '../../src/doors/trailing.ts'

/* Requests with fields behind their bodies, beside what is asked of all others. */

const SHORT_MS = 100

let close: (() => void) | undefined
afterEach(() => close?.())

async function asked(answer: RequestListener, body: Readable) {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  close = () => {
    server.closeAllConnections()
    server.close()
  }
  const { port } = server.address() as AddressInfo // of a TCP server
  return exchangeTrailing(`http://127.0.0.1:${port}`, {
    path: '/',
    method: 'POST',
    headers: { trailer: 'x-sum' },
    body,
    trailers: () => ({ 'x-sum': '1' }),
    signal: new AbortController().signal,
    upgrade: undefined,
    headersTimeout: SHORT_MS,
    bodyTimeout: SHORT_MS,
  })
}

async function* slowly() {
  for (const part of ['a', 'b', 'c', 'd']) {
    yield part
    await pause(SHORT_MS)
  }
}

test('a body may take longer than its answer', async () => {
  const { status } = await asked((request, response) => {
    request.resume().on('end', () => response.end())
  }, Readable.from(slowly()))
  expect(status).toBe(200)
})

test('an event stream is silent for as long as it likes', async () => {
  const { body } = await asked(
    (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      setTimeout(() => response.end('data: late\n\n'), 4 * SHORT_MS)
    },
    Readable.from(['a']),
  )
  expect(String(Buffer.concat((await body.toArray()) as Buffer[]))).toBe('data: late\n\n')
})

test('no answer, and one in another protocol, are told of', async () => {
  await expect(asked(() => {}, Readable.from(['a']))).rejects.toThrow('Headers Timeout')
  close?.()
  const changed = asked(
    (request) => {
      request.socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      )
    },
    Readable.from(['a']),
  )
  await expect(changed).rejects.toThrow('closed without an answer')
})
