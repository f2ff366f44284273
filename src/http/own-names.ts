import type { Config } from '../config.ts'
import { isLoopback } from '../kit/http/loopback.ts'

/**
 * Whether a `Host` is a name of this server: one of the machine itself, whatever its port, the HOST it listens on, or
 * the one of PUBLIC_URL or ADVERTISE_URL. Anybody can write any other.
 */
export const isOwnName = (config: Config, host: string): boolean =>
  isLoopback(nameOf(host)) || nameOf(host) === config.host || knownHosts(config).has(host)

/** A host without its port, an IPv6 address without its brackets. */
export const nameOf = (host: string): string =>
  host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')

export const knownHosts = ({ publicUrl, advertiseUrl }: Config): ReadonlySet<string> =>
  new Set([publicUrl, advertiseUrl].flatMap((url) => (url ? [new URL(url).host] : [])))
