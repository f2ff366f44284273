import type { IncomingMessage } from 'node:http'
import { stringifySetCookie } from 'cookie'
import { COOKIE } from '../auth/credential.ts'
import type { Config } from '../config.ts'
import type { CookieSlot } from '../context.ts'
import { isForeign } from './guard.ts'
import { reached } from './reached.ts'

/** What is to be set with the answer to a request. */
const set = new WeakMap<IncomingMessage, string>()

/** The `Set-Cookie` that the answer to a request carries, if any. */
export const cookieSetBy = (request: IncomingMessage): string | undefined => set.get(request)

/** The cookie as a request may set it; undefined for the upgrade of a WebSocket, whose answer is gone already. */
export function cookieSlot(config: Config, request: IncomingMessage): CookieSlot | undefined {
  if (request.headers.upgrade !== undefined) return undefined
  const secure =
    reached(config, request).scheme === 'https' || config.publicUrl?.startsWith('https:') === true
  const write = (value: string, maxAge: number): void => {
    const options = { httpOnly: true, sameSite: 'lax', path: '/', secure, maxAge } as const
    set.set(request, stringifySetCookie({ name: COOKIE, value, ...options }))
  }
  return {
    isForeign: isForeign(config, request),
    set: (secret, seconds) => write(secret, seconds),
    clear: () => write('', 0),
  }
}

/** A `Cookie` header without ours: what a service is told. */
export function withoutOurs(cookies: string | undefined): string | undefined {
  const others = cookies
    ?.split(';')
    .filter((one) => one.split('=')[0]?.trim() !== COOKIE)
    .join(';')
  return others?.trim() ? others.trim() : undefined
}

/** `Set-Cookie` headers without ours, which no service may set. */
export const withoutOursSet = (cookies: readonly string[]): string[] =>
  cookies.filter((one) => one.split(/[=;]/)[0]?.trim() !== COOKIE)
