import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A proxy before a server, which may answer in its place. */
export interface Interposed {
  readonly url: string
  /** Answers everything by itself from now on, and resolves once it has done so. */
  answer(status: number, body: string): Promise<void>
  /** Passes everything on again. */
  pass(): void
  close(): Promise<void>
}

export async function interposed(target: string): Promise<Interposed> {
  let own: { status: number; body: string; given: () => void } | undefined
  const pass = (incoming: IncomingMessage, response: ServerResponse): void => {
    const { method, headers, url = '/' } = incoming
    const onward = request(new URL(url, target), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => incoming.socket.destroy())
    incoming.pipe(onward)
  }
  const proxy = createServer((incoming, response) => {
    if (own === undefined) return pass(incoming, response)
    response.writeHead(own.status).end(own.body)
    own.given()
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const { port } = proxy.address() as AddressInfo // a TCP server has one
  return {
    url: `http://127.0.0.1:${port}`,
    async answer(status, body) {
      await new Promise<void>((given) => (own = { status, body, given }))
    },
    pass: () => (own = undefined),
    async close() {
      proxy.closeAllConnections()
      proxy.close()
      await once(proxy, 'close')
    },
  }
}

/** What is answered while a server is away: by proxies before it, and by itself when what it needs is. */
export const awayAnswers: readonly (readonly [number, string])[] = [
  [502, '<html>Bad Gateway</html>'],
  [503, '{"message":"no healthy upstream"}'],
  [504, '{"errors":[{"status":"504","title":"Gateway Timeout"}]}'],
  [200, 'null'],
  [
    503,
    '{"errors":[{"message":"The database is away.","extensions":{"code":"UNAVAILABLE","requestId":"r"}}]}',
  ],
]
