import type { Call } from '../kit/http/call.ts'

/** Headers that belong to one connection (RFC 9110, 7.6.1). */
const HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'host',
  'expect',
])

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** What goes on to whoever is called. Names that begin with `millrace-` are ours, between servers. */
export const onward = (headers: Call['headers']): Record<string, string | string[]> => ({
  ...without(headers, (name) => name.replaceAll('_', '-').startsWith('millrace-')),
  // fields behind bodies pass
  ...(/(?:^|[\s,])trailers\b/i.test(String(headers['te'] ?? '')) ? { te: 'trailers' } : {}),
})

/**
 * What goes back to the caller. A service knows neither the path below which it was reached nor, always, the host: where
 * its answer names an address of its own, as it sees that, it names the one below `address` instead, where the caller
 * reached it.
 */
export function back(
  headers: Headers,
  instance?: string,
  address?: string,
): Record<string, string | string[]> {
  const kept = without(headers, () => false)
  if (instance === undefined || address === undefined) return kept
  let seen: Publicly | undefined
  for (const [name, rewrite] of ADDRESSES) {
    const value = kept[name]
    if (value === undefined) continue
    const as = (seen ??= publicly(instance, address))
    kept[name] =
      typeof value === 'string' ? rewrite(value, as) : value.map((one) => rewrite(one, as))
  }
  return kept
}

/** A service is told the host under which it was reached, as by most proxies, and the whole in one field (RFC 7239). */
export function told(
  headers: Call['headers'],
  address: string | undefined,
): Record<string, string> {
  if (address === undefined) return {}
  const { scheme, host } = partsOf(address)
  const caller = String(headers['x-forwarded-for'] ?? '')
  const node = caller.includes(':') ? `"[${caller}]"` : caller
  const by = node === '' ? '' : `for=${node};`
  return { host, forwarded: `${by}host="${host}";proto=${scheme}` }
}

/** An address of a service in its parts: the prefix is the path that the service does not see, empty where there is none. */
export function partsOf(address: string): { scheme: string; host: string; prefix: string } {
  const [, scheme = '', host = '', prefix = ''] = /^(https?):\/\/([^/]*)(.*)$/.exec(address) ?? []
  return { scheme, host, prefix }
}

/** Gives a reference to a place as the service sees it the form in which its caller can follow it. */
type Publicly = (reference: string) => string

function publicly(instance: string, address: string): Publicly {
  const { scheme, host, prefix } = partsOf(address)
  const own = ownAddress(instance)
  const ours = new RegExp(`^(?:https?:)?//${host.replaceAll(/[.[\]]/g, '\\$&')}(?=[/?#]|$)`, 'i')
  const below = (path: string): string =>
    path.startsWith(prefix) && /^(?:[/?#]|$)/.test(path.slice(prefix.length)) ? path : prefix + path
  return (reference) => {
    if (/^\/(?!\/)/.test(reference)) return below(reference)
    const path = reference.replace(own, '').replace(ours, '')
    return path === reference ? reference : `${scheme}://${host}${below(path)}`
  }
}

/**
 * The fields of an answer that name addresses, each with how it does. A service says what it likes in them, so none of
 * these expressions looks back or at the same characters again and again.
 */
const ADDRESSES: readonly (readonly [string, (value: string, seen: Publicly) => string])[] = [
  ['location', (value, seen) => seen(value)],
  ['content-location', (value, seen) => seen(value)],
  [
    'refresh',
    (value, seen) =>
      value.replace(
        /^([^;,]*[;,]\s*(?:url\s*=\s*)?["']?)([^"'\s]+)/i,
        (_all, before: string, to: string) => before + seen(to),
      ),
  ],
  ['link', (value, seen) => value.replaceAll(/<([^<>]*)>/g, (_all, to: string) => `<${seen(to)}>`)],
  ['set-cookie', cookieBelow],
]

/**
 * A cookie for the service alone. Of several paths the last counts, and one that is none, or is not said, is what lies
 * above the address that was asked for: of the `invokeUrl`, all services of the deployment (RFC 6265, 5.1.4 and 5.2.4).
 */
function cookieBelow(cookie: string, seen: Publicly): string {
  // browsers refuse a name that begins so with another path (RFC 6265bis, 4.1.3.2)
  if (/^\s*__host-/i.test(cookie)) return cookie
  const home = seen('/').slice(0, -1)
  const last = cookie
    .split(';')
    .slice(1)
    .filter((part) => /^\s*path\s*(?:=|$)/i.test(part))
    .at(-1)
  const placed = cookie.replaceAll(
    /(;\s*path\s*=\s*)(\/[^;\s]*)/gi,
    (_all, before: string, path: string) => before + (path === '/' ? home || path : seen(path)),
  )
  const isSaid = last !== undefined && /=\s*\//.test(last)
  return isSaid || home === '' ? placed : `${placed}; Path=${home}`
}

function without(
  headers: Headers,
  isOurs: (name: string) => boolean,
): Record<string, string | string[]> {
  const named = String(headers.connection ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
  const kept: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !HOP.has(name) && !named.includes(name) && !isOurs(name))
      kept[name] = value
  return kept
}

/** An instance's own address however programs spell it, which know that they listen on this machine. */
const ownAddress = (instance: string): RegExp =>
  new RegExp(
    `^(?:https?:)?//(?:127(?:\\.\\d+){3}|0\\.0\\.0\\.0|localhost|\\[::1?\\]):${new URL(instance).port}(?=[/?#]|$)`,
    'i',
  )
