import type { IncomingHttpHeaders } from 'node:http'
import type { Config } from '../config.ts'
import { isLoopback } from '../kit/loopback.ts'

/**
 * Why a request that brings no credential is refused, or undefined. In open mode whoever reaches the server may use
 * it, so no page of another site may, neither by a cross-site request nor through a host name that was pointed at
 * this machine (DNS rebinding).
 */
export function refusal(config: Config, headers: IncomingHttpHeaders): string | undefined {
  if (config.auth !== 'open' || headers.authorization !== undefined) return undefined
  const host = headers.host ?? ''
  const known = new Set(
    [config.publicUrl, config.advertiseUrl].flatMap((url) => (url ? [new URL(url).host] : [])),
  )
  if (
    !isLoopback(nameOf(host)) &&
    nameOf(host) !== config.host &&
    !known.has(host) &&
    !config.authOpenAnywhere
  )
    return `Without a credential this server answers to its own names only, not to "${host}".`
  if (headers['sec-fetch-site'] === 'cross-site')
    return 'Pages of other sites may not use this server without a credential.'
  const { origin } = headers
  if (origin !== undefined && !isOwn(origin, host, known))
    return `Pages of ${origin} may not use this server without a credential.`
  return undefined
}

const nameOf = (host: string): string => host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')

function isOwn(origin: string, host: string, known: ReadonlySet<string>): boolean {
  if (!URL.canParse(origin)) return false
  const from = new URL(origin).host
  return from === host || known.has(from)
}
