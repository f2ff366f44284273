import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type ServerOptions } from 'node:https'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { testFolder } from '../../testkit/folder.ts'

const run = promisify(execFile)

export const hasOpenssl = await run('openssl', ['version']).then(
  () => true,
  () => false,
)

/** A way over HTTPS to a server, with a certificate of its own making. */
export interface TlsProxy {
  readonly url: string
  /** The file with the only authority that vouches for it. */
  readonly ca: string
  close(): Promise<void>
}

/** Passes every request on to `target`; needs the program `openssl`, because Node.js makes no certificates. */
export async function tlsProxy(target: string): Promise<TlsProxy> {
  const folder = await testFolder({})
  const [key, cert] = [join(folder.path, 'key.pem'), join(folder.path, 'cert.pem')]
  const ask = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost`
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1']
  await run('openssl', [...ask.split(' '), ...names, '-keyout', key, '-out', cert])
  const options: ServerOptions = { key: await readFile(key), cert: await readFile(cert) }
  const proxy = createServer(options, (incoming, outgoing) => {
    const { method, headers, url } = incoming
    const onward = request(`${target}${url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => incoming.socket.destroy()) // so is who waits for it
    outgoing.on('close', () => onward.destroy())
    incoming.pipe(onward)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const { port } = proxy.address() as AddressInfo // a TCP server has one
  return {
    url: `https://127.0.0.1:${port}`,
    ca: cert,
    async close() {
      proxy.closeAllConnections()
      proxy.close()
      await once(proxy, 'close')
      await folder.remove()
    },
  }
}
