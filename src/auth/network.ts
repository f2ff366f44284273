import { isIPv6 } from 'node:net'

/**
 * The network whose attempts are counted together: an IPv4 address itself, of IPv6 the /64, which one subscriber has
 * to itself (RFC 6177).
 */
export function networkOf(address: string): string {
  const [bare = ''] = address.split('%') // a zone is this machine's own word
  if (!isIPv6(bare)) return address
  const [before = '', after] = bare.split('::')
  const left = groupsOf(before)
  const right = after === undefined ? [] : groupsOf(after)
  const middle = Array.from({ length: 8 - left.length - right.length }, () => '0')
  const groups = [...left, ...middle, ...right].slice(0, 4)
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}

/** The groups in a part of an address; an IPv4 address at its end stands for two. */
const groupsOf = (part: string): string[] =>
  part === '' ? [] : part.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : group))
