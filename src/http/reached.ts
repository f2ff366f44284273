import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { cookieName, credentialIn, type Credential } from '../auth/credential.ts'
import type { Config } from '../config.ts'
import type { FrontName } from '../rest/fronts.ts'

/** From where a request comes, and under which name it reached this server. */
export interface Reached {
  /** The caller's IP address, `::ffff:` of IPv4 taken off; empty when the connection is gone already. */
  readonly address: string
  readonly scheme: 'http' | 'https'
  /** Name and port; empty when the request names none. */
  readonly host: string
  /** Whether a proxy that is trusted says the host, not the request itself. */
  readonly isForwarded: boolean
}

/**
 * Behind as many proxies as TRUST_PROXY says, what the outermost of them forwarded: each adds its own caller to the
 * right of X-Forwarded-For, so whatever stands further left was written by the caller and is believed by nobody.
 */
export function reached(
  { trustProxy }: Pick<Config, 'trustProxy'>,
  request: IncomingMessage,
): Reached {
  const { headers, socket } = request
  const forwarded = (name: string): string | undefined => {
    const values = trustProxy === 0 ? [] : String(headers[name] ?? '').split(',')
    return values[Math.max(0, values.length - trustProxy)]?.trim() || undefined
  }
  const isTls = 'encrypted' in socket
  const host = forwarded('x-forwarded-host')
  const scheme = forwarded('x-forwarded-proto') ?? (isTls ? 'https' : 'http')
  return {
    address: addressIn(forwarded('x-forwarded-for')) ?? plain(socket.remoteAddress ?? ''),
    scheme: scheme === 'https' ? 'https' : 'http',
    host: host ?? headers.host ?? '',
    isForwarded: host !== undefined,
  }
}

/** Whether browsers reach this server by https. */
export const isSecure = (
  config: Pick<Config, 'trustProxy' | 'publicUrl'>,
  request: IncomingMessage,
): boolean =>
  reached(config, request).scheme === 'https' || config.publicUrl?.startsWith('https:') === true

/** What a request brings to say who asks. */
export const credentialOf = (
  config: Pick<Config, 'trustProxy' | 'publicUrl'>,
  request: IncomingMessage,
  front?: FrontName,
): Credential | undefined =>
  credentialIn(request.headers, cookieName(isSecure(config, request)), front)

/** The address in one entry, which some proxies write with a port; undefined when it is none. */
function addressIn(entry: string | undefined): string | undefined {
  if (entry === undefined) return undefined
  const address = entry.replace(/^\[(.*)\](:\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1')
  return isIP(address) === 0 ? undefined : plain(address)
}

/** An IPv4 address as itself, also where it comes as one of IPv6. */
export const plain = (address: string): string => address.replace(/^::ffff:(?=[\d.]+$)/i, '')
