import type { Call } from '../kit/call.ts'

/** Headers that belong to one connection (RFC 9110, 7.6.1), and the caller's credential, which is ours. */
const HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'expect',
  'authorization',
])

/** Of the answer, those that name addresses. */
const ADDRESSES = new Set(['location', 'content-location', 'refresh', 'link'])

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** What goes on to whoever is called. Names that begin with `millrace-` are ours, between servers. */
export const onward = (headers: Call['headers']): Record<string, string | string[]> =>
  without(headers, (name) => name.replaceAll('_', '-').startsWith('millrace-'))

/**
 * What goes back to the caller. Where the answer names the private address of the `instance` it comes from, it names
 * `address` instead, where the caller reached the service.
 */
export function back(
  headers: Headers,
  instance?: string,
  address?: string,
): Record<string, string | string[]> {
  const kept = without(headers, () => false)
  if (instance === undefined || address === undefined) return kept
  const own = ownAddress(instance)
  for (const name of Object.keys(kept).filter((one) => ADDRESSES.has(one)))
    kept[name] = [kept[name] ?? []].flat().map((text) => text.replaceAll(own, () => address))
  return kept
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
    `(?:https?:)?//(?:127(?:\\.\\d+){3}|0\\.0\\.0\\.0|localhost|\\[::1?\\]):${new URL(instance).port}(?!\\d)`,
    'gi',
  )
