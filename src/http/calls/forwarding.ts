import type { IncomingMessage } from 'node:http'
import type { Config } from '../../config.ts'
import { partsOf } from '../../doors/index.ts'
import type { Call } from '../../kit/http/call.ts'
import { reached } from '../reached.ts'

/**
 * By which proxies tell who calls and how: only what this server says itself is believed by a service. Some programs
 * read `_` as `-`.
 */
const FORWARDING = /^(?:x[-_]forwarded(?:[-_].*)?|forwarded|x[-_]real[-_]ip)$/

/** The headers of a request without what its caller says of how it came here. */
export const unforwarded = (headers: Call['headers']): Call['headers'] =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !FORWARDING.test(name)))

/**
 * What a service is told of its caller instead, which reached it at `address`: an origin, and behind it the path that
 * the service does not see.
 */
export function forwardedAs(
  config: Config,
  request: IncomingMessage,
  address: string,
): Record<string, string> {
  const { scheme, host, prefix } = partsOf(address)
  const told = {
    'x-forwarded-for': reached(config, request).address,
    'x-forwarded-proto': scheme,
    'x-forwarded-host': host,
    'x-forwarded-prefix': prefix,
  }
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== ''))
}

/** The address that another server was told of, which forwards a call. */
export function forwardedAddress(headers: Call['headers']): string | undefined {
  const [scheme, host, prefix = ''] = ['proto', 'host', 'prefix'].map(
    (name) => headers[`x-forwarded-${name}`],
  )
  return scheme === undefined || host === undefined
    ? undefined
    : `${String(scheme)}://${String(host)}${String(prefix)}`
}
