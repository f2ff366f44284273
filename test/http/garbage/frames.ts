import * as fc from 'fast-check'
import type { Wrong } from './arguments.ts'
import { documents } from './documents.ts'
import { values } from './values.ts'
import { END, requestOf, type Garbage } from './wire.ts'

interface Bits {
  /** FIN, the reserved bits and the opcode: of a whole text. */
  readonly first?: number
  readonly isMasked?: boolean
  /** What it says of its length. */
  readonly says?: number
}

/** A frame of a WebSocket (RFC 6455, 5.2), with the mask 0: the bytes stay what they are. */
function frame(
  payload: Buffer | string,
  { first = 0x81, isMasked = true, says }: Bits = {},
): Buffer {
  const bytes = Buffer.from(payload)
  const size = says ?? bytes.length
  const long = size > 0xffff ? 8 : size > 125 ? 2 : 0
  const head = Buffer.alloc(2 + long)
  head[0] = first
  head[1] = (isMasked ? 0x80 : 0) | (long === 8 ? 127 : long === 2 ? 126 : size)
  if (long === 2) head.writeUInt16BE(size, 2)
  if (long === 8) head.writeBigUInt64BE(BigInt(size), 2)
  return Buffer.concat([head, Buffer.alloc(isMasked ? 4 : 0), bytes])
}

const END_OF_ALL = frame(
  JSON.stringify({
    id: END,
    type: 'subscribe',
    payload: { query: '{ deployments { totalCount } }' },
  }),
)

const broken = [
  frame('', { first: 0xc1 }),
  frame('{}', { first: 0xf1 }),
  frame('{}', { first: 0x83 }),
  frame('', { first: 0x8f }),

  frame('{}', { isMasked: false }),
  frame(Buffer.from([0xff, 0xfe])),
  frame(Buffer.from([0xc0, 0x80])),

  frame(Buffer.from('{}'), { first: 0x82 }),
  frame(Buffer.from([0xed, 0xa0, 0x80])),
  frame('{', { first: 0x01 }),

  frame('}', { first: 0x80 }),
  frame('{}', { first: 0x00 }),
  frame('x'.repeat(126), { first: 0x89 }),
  frame('', { first: 0x09 }),

  frame('', { first: 0x89 }),
  frame('', { first: 0x8a }),
  frame('\x03', { first: 0x88 }),
  frame('\0\0', { first: 0x88 }),

  frame('\xff\xff', { first: 0x88 }),
  frame('a', { says: 2 ** 40 }),
  frame('a', { says: Number.MAX_SAFE_INTEGER }),
  frame('abc', { says: 9 }),
]

const upgrades = [
  'sec-websocket-protocol: none',
  'sec-websocket-protocol: ',
  'sec-websocket-protocol: \xff',
  'sec-websocket-protocol: graphql-ws',

  'sec-websocket-version: 99',
  'sec-websocket-key: x',
  'sec-websocket-extensions: permessage-deflate; a="',
  'host: [',
]

const subscribe = (id: string, payload: string): string =>
  `{"id":${JSON.stringify(id)},"type":"subscribe","payload":${payload}}`

/** WebSockets that say what is wrong as frames, as messages, in their order, or as operations. */
export function sockets(
  id: string,
  credential: fc.Arbitrary<string | undefined>,
  wrong: fc.Arbitrary<Wrong>,
): fc.Arbitrary<Garbage> {
  const value = values(id)
  const name = fc.constantFrom('a', 'b', '', '__proto__', '\0', '\ud800', 'x'.repeat(10_000))
  const message = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(name, wrong).map(([id, { json }]) => subscribe(id, json)) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(name, documents)
        .map(([id, query]) => subscribe(id, JSON.stringify({ query }))),
    },
    fc.tuple(name, value).map(([id, any]) => subscribe(id, any)),
    value,
    value.map((any) => `{"type":${any}}`),
    value.map((any) => `{"type":"connection_init","payload":${any}}`),
    value.map((any) => `{"type":"ping","payload":${any}}`),
    value.map((any) => `{"id":${any},"type":"subscribe","payload":{"query":"{ __typename }"}}`),
    name.map((id) => JSON.stringify({ id, type: 'complete' })),
    fc.string({ unit: 'binary' }),
  )
  const bytes = fc.oneof(
    { weight: 4, arbitrary: message.map((text) => frame(text)) },
    fc.constantFrom(...broken),
    fc.uint8Array({ maxLength: 40 }).map((noise) => Buffer.from(noise)),
  )
  const init = fc.oneof(
    {
      weight: 8,
      arbitrary: credential.map((authorization) => [
        frame(JSON.stringify({ type: 'connection_init', payload: { authorization } })),
      ]),
    },
    fc.constant([]),
  )
  const mostly = fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.constant(false))
  return fc
    .tuple(
      mostly, // ends as it should
      mostly, // waits until it is let in
      init,
      fc.array(message, { minLength: 1, maxLength: 3 }),
      fc.array(bytes, { minLength: 1, maxLength: 4 }),
      fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, fc.constantFrom(...upgrades)),
    )
    .map(([isTidy, isPatient, first, messages, noise, odd]) => {
      const headers = [
        'host: localhost',
        'connection: upgrade',
        'upgrade: websocket',
        'sec-websocket-version: 13',

        'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
        'sec-websocket-protocol: graphql-transport-ws',
      ].filter((line) => odd === null || !line.startsWith(odd.slice(0, odd.indexOf(':') + 1)))
      const head = requestOf('GET', '/graphql', [...headers, ...(odd === null ? [] : [odd])])
      const rest = isTidy ? [...messages.map((text) => frame(text)), END_OF_ALL] : noise
      const socket = { bytes: Buffer.concat([head, ...first]), isSocket: true, cut: !isTidy }
      const later = Buffer.concat(rest)
      return isPatient && first.length > 0
        ? { ...socket, afterwards: later }
        : { ...socket, bytes: Buffer.concat([socket.bytes, later]) }
    })
}
