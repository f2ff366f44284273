import type { IncomingMessage } from 'node:http'

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/**
 * Puts `X-HTTP-Method-Override` in place of the method, for clients that can send no PATCH. HEAD becomes GET: whoever
 * has sent another method waits for the body that the headers announce.
 */
export function overrideMethod(request: IncomingMessage): void {
  const method = String(request.headers['x-http-method-override'] ?? '').toUpperCase()
  if (METHODS.has(method)) request.method = method === 'HEAD' ? 'GET' : method
}
