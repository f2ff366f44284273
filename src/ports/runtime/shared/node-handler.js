// @ts-check
/*
 * Serves one fetch-style handler, `(Request) => Response`, over HTTP. Started as a program of its own by the process
 * runtime: HANDLER=<module>:<export>, HOST, PORT, the module in the working folder as .js, .mjs or .cjs. Listens only
 * once the module is loaded; SIGTERM closes the door, lets running requests end, and exits 0. Where
 * MILLRACE_INSTANCE_KEY is set, only requests with this key are answered; the handler sees neither.
 */
import { timingSafeEqual } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'

const KEY_HEADER = 'millrace-instance-key'
const FORBIDDEN = '{"status": "the instance answers its server only"}'
const FAILURE = '{"status": "unexpected error occurred"}'
const WITHOUT_BODY = new Set(['GET', 'HEAD'])

/** @typedef {(request: Request) => Response | Promise<Response>} Handler */
/** @typedef {import('node:http').IncomingMessage} Incoming */
/** @typedef {import('node:http').ServerResponse} Outgoing */

/** @param {string} text @returns {Promise<Handler>} */
async function load(text) {
  const [name, path = 'handler'] = text.split(':')
  if (!name)
    throw new Error(`HANDLER is "${text}"; it must be <module>:<export>, like main:handler.`)
  const files = ['', '.js', '.mjs', '.cjs'].map((ending) => resolve(name + ending))
  const file = files.find((candidate) => /\.[cm]?js$/.test(candidate) && existsSync(candidate))
  if (!file) throw new Error(`There is no ${name}.js, ${name}.mjs or ${name}.cjs in the source.`)
  const loaded = await import(pathToFileURL(file).href)
  const handler = loaded[path] ?? loaded.default?.[path]
  if (typeof handler !== 'function') throw new Error(`${name} exports no function "${path}".`)
  return handler
}

/**
 * The body as a web stream that, unlike Readable.toWeb, leaves the connection whole when nobody wants the rest of it:
 * `drain` reads that away.
 * @param {Incoming} incoming
 */
function bodyOf(incoming) {
  const chunks = incoming.iterator({ destroyOnReturn: false })
  const drain = async () => {
    await chunks.return?.()
    incoming.resume()
  }
  /** @type {ReadableStream<Uint8Array>} */
  const body = new ReadableStream(
    {
      async pull(controller) {
        const { value, done } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: drain,
    },
    { highWaterMark: 0 },
  )
  return { body, drain }
}

/** @param {Incoming} incoming @param {ReadableStream<Uint8Array>} body @param {AbortSignal} signal */
function requestOf(incoming, body, signal) {
  const { method = 'GET', url = '/', headers, rawHeaders } = incoming
  /** @type {[string, string][]} */
  const pairs = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ''
    if (name.toLowerCase() !== KEY_HEADER) pairs.push([name, rawHeaders[at + 1] ?? ''])
  }
  const scheme = headers['x-forwarded-proto'] === 'https' ? 'https' : 'http' // as the server says it was reached
  // put together, not resolved: a path that begins with two slashes is a path, not a host
  return new Request(`${scheme}://${headers.host ?? 'localhost'}${url}`, {
    method,
    headers: pairs,
    signal,
    ...(WITHOUT_BODY.has(method) ? {} : { body, duplex: 'half' }),
  })
}

/** @param {Outgoing} outgoing @param {Response} response */
async function write(outgoing, response) {
  if (typeof response?.status !== 'number' || typeof response.headers?.entries !== 'function')
    throw new TypeError('The handler returned no Response.')
  for (const [key, value] of response.headers.entries())
    if (key !== 'set-cookie') outgoing.setHeader(key, value)
  const cookies = response.headers.getSetCookie()
  if (cookies.length > 0) outgoing.setHeader('set-cookie', cookies)
  outgoing.writeHead(response.status, response.statusText || undefined)
  if (response.body === null || outgoing.req.method === 'HEAD') {
    await response.body?.cancel()
    outgoing.end()
    return
  }
  outgoing.flushHeaders()
  await pipeline(response.body, outgoing)
}

/** @param {Handler} handler @param {Incoming} incoming @param {Outgoing} outgoing */
async function serve(handler, incoming, outgoing) {
  const abandoned = new AbortController()
  const { body, drain } = bodyOf(incoming)
  outgoing.on('close', () => {
    // errored: it was broken off from here, by an answer that failed, and not by the caller
    if (!outgoing.writableFinished && !outgoing.errored) abandoned.abort()
    drain().catch(() => {}) // what the handler did not want to read
    if (isDraining) setImmediate(() => server.closeIdleConnections())
  })
  if (isDraining) outgoing.setHeader('connection', 'close')
  try {
    await write(outgoing, await handler(requestOf(incoming, body, abandoned.signal)))
  } catch (error) {
    if (abandoned.signal.aborted) return
    console.error(error)
    if (outgoing.headersSent) return void outgoing.destroy() // begun: break it off, visibly
    for (const name of outgoing.getHeaderNames()) outgoing.removeHeader(name)
    outgoing.statusCode = 500
    outgoing.setHeader('content-type', 'application/json').end(FAILURE)
  }
}

/** @param {Incoming} incoming */
function isOfServer({ headers }) {
  const text = Buffer.from(String(headers[KEY_HEADER] ?? ''))
  return key === undefined || (text.length === key.length && timingSafeEqual(text, key))
}

/** Says so before anything is read of the body, which ends with the connection. @param {Outgoing} outgoing */
function refuse(outgoing) {
  outgoing.statusCode = 403
  outgoing.setHeader('content-type', 'application/json').setHeader('connection', 'close')
  outgoing.end(FORBIDDEN)
}

let isDraining = false
const secret = process.env['MILLRACE_INSTANCE_KEY']
delete process.env['MILLRACE_INSTANCE_KEY']
const key = secret ? Buffer.from(secret) : undefined
const handler = await load(process.env['HANDLER'] || 'main:handler')
const server = createServer(
  { keepAliveTimeout: 75_000, requestTimeout: 0 },
  (incoming, outgoing) => {
    if (isOfServer(incoming)) void serve(handler, incoming, outgoing)
    else refuse(outgoing)
  },
)
process.on('SIGTERM', () => {
  isDraining = true
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})
server.listen(Number(process.env['PORT'] ?? 8000), process.env['HOST'] ?? '127.0.0.1')
