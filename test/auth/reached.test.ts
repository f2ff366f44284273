import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { callerKey } from '../../src/context.ts'
import { reached } from '../../src/http/reached.ts'

const asked = (headers: Record<string, string>, remoteAddress = '::ffff:10.0.0.9') =>
  ({
    headers: { host: 'inner:4000', ...headers },
    socket: { remoteAddress },
  }) as unknown as IncomingMessage

const forwarded = {
  'x-forwarded-for': '1.1.1.1, 2.2.2.2, 3.3.3.3',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'outer.example',
}

test('without TRUST_PROXY nothing a caller forwards is believed', () => {
  expect(reached({ trustProxy: 0 }, asked(forwarded))).toEqual({
    address: '10.0.0.9',
    scheme: 'http',
    host: 'inner:4000',
    isForwarded: false,
  })
})

test('as many proxies are believed as there are, and no further entry', () => {
  const outer = { scheme: 'https', host: 'outer.example', isForwarded: true }
  expect(reached({ trustProxy: 1 }, asked(forwarded))).toEqual({ address: '3.3.3.3', ...outer })
  expect(reached({ trustProxy: 2 }, asked(forwarded))).toEqual({ address: '2.2.2.2', ...outer })
  expect(reached({ trustProxy: 9 }, asked(forwarded))).toEqual({ address: '1.1.1.1', ...outer })
})

test.each([
  ['[2001:db8::1]:443', '2001:db8::1'],
  ['192.0.2.7:1234', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['unknown', '10.0.0.9'],
  ['', '10.0.0.9'],
])('the forwarded address %j is read as %s', (entry, address) => {
  expect(reached({ trustProxy: 1 }, asked({ 'x-forwarded-for': entry })).address).toBe(address)
})

test('a share belongs to the person, else to the token, else to the address', () => {
  const user = { id: 'u', email: 'e', name: null, isServerAdmin: false }
  const address = '192.0.2.7'
  const token = { kind: 'token', tokenId: 't', tokenName: 'n', user, memberships: [] } as const
  expect(callerKey({ viewer: token, address })).toBe('user:u')
  expect(callerKey({ viewer: { ...token, user: undefined }, address })).toBe('token:t')
  expect(callerKey({ viewer: { kind: 'user', user, memberships: [] }, address })).toBe('user:u')
  expect(callerKey({ viewer: { kind: 'anonymous', memberships: [] }, address })).toBe(
    'address:192.0.2.7',
  )
})
