import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A way to a server on which answers get lost. */
export interface ForgetfulProxy {
  readonly url: string
  /** The operations whose answers were lost, such as `claimJobs`. */
  readonly lost: ReadonlySet<string>
  close(): Promise<void>
}

/** Passes every request on to `target`, and breaks the connection instead of the first answer to each. */
export async function forgetfulProxy(target: string): Promise<ForgetfulProxy> {
  const lost = new Set<string>()
  const seen = new Set<string>()
  const pass = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request)
    const { authorization = '' } = request.headers
    const headers = { 'content-type': 'application/json', authorization }
    const answer = await fetch(`${target}${request.url}`, { method: 'POST', headers, body })
    const content = await answer.text()
    if (seen.has(body)) return response.writeHead(answer.status).end(content)
    seen.add(body)
    lost.add(/(\w+)\(input:/.exec(body)?.[1] ?? '')
    return request.socket.destroy()
  }
  const proxy = createServer((request, response) => {
    // a server that is away, or a caller that went, breaks the connection too
    pass(request, response).catch(() => request.socket.destroy())
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const { port } = proxy.address() as AddressInfo // a TCP server has one
  return {
    url: `http://127.0.0.1:${port}`,
    lost,
    async close() {
      proxy.closeAllConnections()
      proxy.close()
      await once(proxy, 'close')
    },
  }
}
