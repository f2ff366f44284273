import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import type { Platform } from '../context.ts'
import { isOwnName, nameOf } from './own-names.ts'
import { plain, reached } from './reached.ts'

/**
 * What the URLs in an answer begin with, without a trailing slash: PUBLIC_URL, else the name that the request came
 * under, where that is known to be this server's or a trusted proxy says it, else the address that the connection
 * came in at. A name that only the caller has written is not repeated: what is printed may be signed, kept and passed
 * on.
 */
export function originOf(
  { config, server }: Pick<Platform, 'config' | 'server'>,
  request: IncomingMessage,
): string {
  if (config.publicUrl !== undefined) return config.publicUrl
  const { scheme, host, isForwarded } = reached(config, request)
  const { localAddress = '', localPort } = request.socket // a connection that has gone has none
  const address = plain(localAddress)
  const isOurs = isForwarded || isOwnName(config, host) || nameOf(host) === address
  const here = `http://${isIPv6(address) ? `[${address}]` : address}:${localPort}`
  return (isOurs ? originIn(`${scheme}://${host}`) : undefined) ?? originIn(here) ?? server.url
}

/** A URL that is scheme, host and port, and nothing else. */
function originIn(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const { href, origin } = new URL(text)
  return href === `${origin}/` ? origin : undefined
}
