import type { IncomingMessage } from 'node:http'

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Puts `X-HTTP-Method-Override` in place of the method, for clients that can send no PATCH. */
export function overrideMethod(request: IncomingMessage): void {
  const method = String(request.headers['x-http-method-override'] ?? '').toUpperCase()
  if (METHODS.has(method)) request.method = method
}
