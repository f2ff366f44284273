import type { IncomingMessage } from 'node:http'
import { stringifySetCookie } from 'cookie'
import { cookieName } from '../auth/credential.ts'
import type { Config } from '../config.ts'
import type { CookieSlot } from '../context.ts'
import { isForeign } from './guard.ts'
import { isSecure } from './reached.ts'

/** What is to be set with the answer to a request. */
const set = new WeakMap<IncomingMessage, string>()

/** The `Set-Cookie` that the answer to a request carries, if any. */
export const cookieSetBy = (request: IncomingMessage): string | undefined => set.get(request)

/** The cookie as a request may set it; undefined for the upgrade of a WebSocket, whose answer is gone already. */
export function cookieSlot(config: Config, request: IncomingMessage): CookieSlot | undefined {
  if (request.headers.upgrade !== undefined) return undefined
  const secure = isSecure(config, request)
  const write = (value: string, maxAge: number): void => {
    const options = { httpOnly: true, sameSite: 'lax', path: '/', secure, maxAge } as const
    set.set(request, stringifySetCookie({ name: cookieName(secure), value, ...options }))
  }
  return {
    isForeign: isForeign(config, request),
    set: (secret, seconds) => write(secret, seconds),
    clear: () => write('', 0),
  }
}

/** Whether a text begins as a cookie of ours would, however browsers and parsers might come to read it so. */
const OURS = /^[^\w-]*(?:__(?:host|secure)-)?millrace(?:-page|-opening)?(?:[^\w.-]|$)/i

/** A `Cookie` header without ours: what a service is told. */
export function withoutOurs(cookies: string | undefined): string | undefined {
  const others = cookies
    ?.split(';')
    .filter((one) => !OURS.test(one))
    .join(';')
  return others?.trim() ? others.trim() : undefined
}

/**
 * `Set-Cookie` headers of a service without those that a browser would send back as ours: of a nameless one it sends
 * the value alone (RFC 6265bis, 5.8.3). None is set for other hosts than the one it came from.
 */
export const withoutOursSet = (cookies: readonly string[]): string[] =>
  cookies
    .filter((one) => !one.split(/[;,]/).some((part) => OURS.test(part) || OURS.test(decoded(part))))
    .map((one) => one.replaceAll(/;\s*domain\s*=[^;]*/gi, ''))

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // nothing is encoded in it
  }
}
