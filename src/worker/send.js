// @ts-check
// How the worker and its thread reach their server: over kept connections of Node.js' own client, which costs a
// fraction of what `fetch` does. JavaScript, because the thread is loaded by Node.js itself, from src/ as from dist/.
import http from 'node:http'
import https from 'node:https'

const plain = { request: http.request, agent: new http.Agent({ keepAlive: true }) }
const secure = { request: https.request, agent: new https.Agent({ keepAlive: true }) }

/**
 * Posts a body and answers what comes back, whatever its status. Rejects with the error of the connection, or with an
 * AbortError whose `cause` is the reason of the signal. What the server let go of in the moment it was sent, on a
 * connection that had been kept, is sent once more: a worker's requests may be repeated.
 * @param {{ url: string, headers: Readonly<Record<string, string>> }} endpoint
 * @param {string} body
 * @param {AbortSignal} signal
 * @returns {Promise<import('./api.ts').HttpReply>}
 */
export async function send(endpoint, body, signal) {
  try {
    return await once(endpoint, body, signal)
  } catch (cause) {
    if (!(cause instanceof LetGo)) throw cause
    return once(endpoint, body, signal)
  }
}

/** The server has ended a kept connection before it heard of the request. */
class LetGo extends Error {}

/**
 * @param {{ url: string, headers: Readonly<Record<string, string>> }} endpoint
 * @param {string} body
 * @param {AbortSignal} signal
 * @returns {Promise<import('./api.ts').HttpReply>}
 */
function once({ url, headers }, body, signal) {
  return new Promise((resolve, reject) => {
    const { request, agent } = url.startsWith('https:') ? secure : plain
    const length = { 'content-length': String(Buffer.byteLength(body)) }
    const call = request(url, {
      method: 'POST',
      headers: { ...headers, ...length },
      agent,
      signal,
    })
    call.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (/** @type {string} */ part) => (text += part))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.on('error', reject)
    })
    call.on('error', (cause) => {
      const isLetGo = call.reusedSocket && 'code' in cause && cause.code === 'ECONNRESET'
      reject(isLetGo && !signal.aborted ? new LetGo(cause.message, { cause }) : cause)
    })
    call.end(body)
  })
}
