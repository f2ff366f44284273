import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Files } from '../../testkit/seed/services.ts'

/** The files of a package that needs no other, as npm installs it. */
function installed(name: string): Files {
  const folder = dirname(fileURLToPath(import.meta.resolve(`${name}/package.json`)))
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:m?js|json)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
  return Object.fromEntries(
    files.map((path) => [
      `node_modules/${name}${path.slice(folder.length)}`,
      readFileSync(path, 'utf8'),
    ]),
  )
}

/** Whatever can be asked of a server by HTTP/1.1, and what a program can answer. */
export const server: { files: Files; command: string } = {
  files: {
    ...installed('ws'),
    'main.mjs': `import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { WebSocketServer } from 'ws'

const server = createServer(async (request, response) => {
  const path = request.url.split('?')[0]
  if (path === '/trailers') {
    const sum = String((await text(request)).length)
    response.writeHead(200, { trailer: 'x-sum, x-sent', 'content-type': 'text/plain' })
    response.write('first')
    setImmediate(() => {
      response.addTrailers({ 'x-sum': sum, 'x-sent': JSON.stringify(request.trailers), 'x-late': 'unannounced' })
      response.end(' last')
    })
    return
  }
  if (path === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    globalThis.open = response
    return
  }
  if (path === '/say') {
    globalThis.open.write('data: ' + (await text(request)) + '\\n\\n')
    return response.end()
  }
  if (path === '/half') return response.writeHead(200, { 'content-type': 'text/plain' }).write('half')
  if (path === '/empty') {
    const status = request.url.split('?')[1]
    request.socket.end('HTTP/1.1 ' + status + ' Odd\\r\\netag: "a"\\r\\ncontent-length: ' + (status === '999' ? 0 : 99) + '\\r\\n\\r\\n')
    return
  }
  if (path === '/environment')
    return response.end(JSON.stringify({ service: process.env.MILLRACE_SERVICE_URL, page: process.env.MILLRACE_PAGE_URL }))
  const body = await text(request)
  const headers = {}
  for (let i = 0; i < request.rawHeaders.length; i += 2) headers[request.rawHeaders[i].toLowerCase()] = request.rawHeaders[i + 1]
  const { method, url } = request
  const told = JSON.stringify({ method, url, body, headers })
  response.writeHead(200, {
    'x-method': method,
    allow: 'GET, PATCH',
    'content-type': 'application/json',
    'access-control-allow-origin': 'https://said.by.the.service',
    vary: 'Accept',
    'content-length': Buffer.byteLength(told),
  })
  response.end(told)
})
const sockets = new WebSocketServer({ noServer: true, handleProtocols: (protocols) => [...protocols].at(-1) })
server.on('upgrade', (request, socket, head) => {
  if (request.url === '/no') return socket.end('HTTP/1.1 426 Upgrade Required\\r\\ncontent-length: 5\\r\\nx-why: no\\r\\n\\r\\nnever')
  if (request.url === '/mute') {
    console.log('asked')
    return socket.on('end', () => socket.end(() => console.log('left'))).resume()
  }
  sockets.handleUpgrade(request, socket, head, (opened) => {
    const isSink = request.url === '/sink'
    if (!isSink) opened.send(JSON.stringify({ url: request.url, headers: request.headers }))
    let bytes = 0
    opened.on('message', (data, isBinary) => {
      bytes += data.length
      if (String(data) === 'exit') process.exit(3)
      if (String(data) === 'close') return opened.close(4321, 'as asked')
      if (!isSink) opened.send(data, { binary: isBinary })
    })
    opened.on('close', (code) => console.log('closed with', code, 'after', bytes, 'bytes'))
  })
})
process.on('SIGTERM', () => {
  for (const one of sockets.clients) one.close(1012, 'restarting')
  setTimeout(() => process.exit(0), 200)
})
server.listen(process.env.PORT, '127.0.0.1')
`,
  },
  command: 'exec node main.mjs',
}
