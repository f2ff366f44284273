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

/** What goes on to whoever is called. */
export function onward(headers: Call['headers']): Record<string, string | string[]> {
  const named = String(headers.connection ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
  const kept: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !HOP.has(name) && !named.includes(name)) kept[name] = value
  return kept
}

/** What goes back to the caller. */
export function back(
  headers: Record<string, string | string[] | undefined>,
): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !HOP.has(name)) kept[name] = value
  return kept
}
