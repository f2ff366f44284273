// The least that a call costs by way of another process: one token is checked from memory, and bytes are passed on.
import { createServer } from 'node:http'
import { Pool } from 'undici'

const { TARGET, AUTHORIZATION, KEY } = process.env
const pool = new Pool(TARGET, { connections: null })
const server = createServer((request, response) => {
  const { authorization, host: _host, connection: _connection, ...headers } = request.headers
  if (authorization !== AUTHORIZATION) return response.writeHead(401).end()
  headers['millrace-instance-key'] = KEY
  const { method, url: path } = request
  pool.stream({ method, path, headers, body: request }, ({ statusCode, headers: theirs }) => {
    const {
      connection: _theirs,
      'transfer-encoding': _coding,
      'keep-alive': _alive,
      ...kept
    } = theirs
    return response.writeHead(statusCode, kept)
  })
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
