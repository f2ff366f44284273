import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A server of before there were unfinished lines. */
export interface OlderProxy {
  readonly url: string
  /** How many requests have named some. */
  readonly refused: number
  close(): Promise<void>
}

const UNKNOWN = {
  errors: [
    {
      message: 'Field "unfinished" is not defined by type "AppendJobLogInput".',
      extensions: { code: 'BAD_REQUEST' },
    },
  ],
}

/** Passes every request on to `target`, but for those with a field that an older server does not know. */
export async function olderProxy(target: string): Promise<OlderProxy> {
  let refused = 0
  const pass = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request)
    if (body.includes('"unfinished":')) {
      refused += 1
      return response.writeHead(400).end(JSON.stringify(UNKNOWN))
    }
    const { authorization = '' } = request.headers
    const headers = { 'content-type': 'application/json', authorization }
    const answer = await fetch(`${target}${request.url}`, { method: 'POST', headers, body })
    return response.writeHead(answer.status).end(await answer.text())
  }
  const proxy = createServer((request, response) => {
    // a caller that went breaks the connection too
    pass(request, response).catch(() => request.socket.destroy())
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const { port } = proxy.address() as AddressInfo // a TCP server has one
  return {
    url: `http://127.0.0.1:${port}`,
    get refused() {
      return refused
    },
    async close() {
      proxy.closeAllConnections()
      proxy.close()
      await once(proxy, 'close')
    },
  }
}
