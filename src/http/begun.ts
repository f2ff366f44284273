import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { parseCookie, stringifySetCookie } from 'cookie'

/**
 * What ties the steps by which a page of a service is opened to one browser: a nonce in a cookie, which the next step
 * brings in its address as well. Whoever writes a link for somebody else's browser does not know it.
 */

const SECONDS = 60 * 60

// over https a name that browsers take from this very host alone
const nameOf = (isSecure: boolean): string =>
  isSecure ? '__Host-millrace-opening' : 'millrace-opening'

/** The nonce of the browser that asks, made where it has none yet, and the cookie to set. */
export function begun(
  request: IncomingMessage,
  isSecure: boolean,
): { readonly nonce: string; readonly cookie: string } {
  const nonce = nonceIn(request, isSecure) ?? randomBytes(16).toString('hex')
  const name = nameOf(isSecure)
  const cookie = stringifySetCookie({
    name,
    value: nonce,
    httpOnly: true,
    sameSite: 'lax',
    path: '/',
    secure: isSecure,
    maxAge: SECONDS,
  })
  return { nonce, cookie }
}

/** Whether a nonce in an address is that of the browser that asks. */
export const isBegunHere = (
  request: IncomingMessage,
  isSecure: boolean,
  nonce: string | null,
): boolean => nonce !== null && nonce === nonceIn(request, isSecure)

function nonceIn({ headers }: IncomingMessage, isSecure: boolean): string | undefined {
  const nonce = parseCookie(headers.cookie ?? '')[nameOf(isSecure)]
  return nonce !== undefined && /^[0-9a-f]{32}$/.test(nonce) ? nonce : undefined
}
