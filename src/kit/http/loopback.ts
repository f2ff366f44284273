import { isIP } from 'node:net'

/** True when only this machine can reach `host`, a name or an address (an IPv6 one may be in brackets). */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (isIP(address) === 4) return address.startsWith('127.')
  return address === 'localhost' || address === '::1'
}
