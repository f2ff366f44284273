// @ts-check
// PostgreSQL's wire protocol, version 3, as far as a bridge between clients and one session must know it:
// where a message ends, which names it carries, and how to say that something is wrong.
// https://www.postgresql.org/docs/current/protocol-message-formats.html

/** @typedef {{ readonly type: string, readonly bytes: Buffer }} Frame  One message; type '' before the start-up packet. */

/** What a client may send once it has started. */
const CLIENT_TYPES = new Set(['Q', 'P', 'B', 'D', 'C', 'E', 'S', 'H', 'F', 'd', 'c', 'f', 'X'])
/** PostgreSQL's own limit of one message. */
const MAX_MESSAGE_BYTES = 0x3fffffff
const MAX_STARTUP_BYTES = 10_000

/** What arrived is not the protocol; the connection cannot go on. */
export class ProtocolViolation extends Error {
  code = '08P01'
}

/** Cuts a stream of bytes, however it is split, into messages. */
export class FrameReader {
  /** @type {Buffer[]} */
  #chunks = []
  #size = 0
  /** Length of the message that begins the buffer, 0 when its head is not there yet. */
  #needed = 0
  #started = false

  /** From here on messages have a type byte. */
  start() {
    this.#started = true
  }

  /** @param {Uint8Array} chunk */
  push(chunk) {
    this.#chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    this.#size += chunk.byteLength
  }

  /** The next whole message, or undefined until more bytes come. @returns {Frame | undefined} */
  next() {
    if (this.#needed === 0) this.#readHead()
    if (this.#needed === 0 || this.#size < this.#needed) return undefined
    const bytes = this.#take(this.#needed)
    this.#needed = 0
    return { type: this.#started ? String.fromCharCode(bytes[0] ?? 0) : '', bytes }
  }

  #readHead() {
    const typeBytes = this.#started ? 1 : 0
    if (this.#size < typeBytes + 4) return
    let [head] = this.#chunks
    if (head === undefined || head.length < typeBytes + 4) {
      head = Buffer.concat(this.#chunks)
      this.#chunks = [head]
    }
    const type = String.fromCharCode(head[0] ?? 0)
    if (this.#started && !CLIENT_TYPES.has(type))
      throw new ProtocolViolation(`invalid frontend message type ${head[0]}`)
    const length = head.readInt32BE(typeBytes)
    if (
      length < (this.#started ? 4 : 8) ||
      length > (this.#started ? MAX_MESSAGE_BYTES : MAX_STARTUP_BYTES)
    )
      throw new ProtocolViolation(`invalid message length ${length}`)
    this.#needed = typeBytes + length
  }

  /** @param {number} length */
  #take(length) {
    this.#size -= length
    let [first] = this.#chunks
    if (first === undefined || first.length < length) {
      first = Buffer.concat(this.#chunks)
      this.#chunks = [first]
    }
    if (first.length === length) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(length)
    return first.subarray(0, length)
  }
}

/**
 * The messages with the names of statements and portals replaced.
 * @param {Frame} frame
 * @param {{ statement(name: string, use: 'make' | 'use' | 'close'): string, portal(name: string): string }} rename
 * @returns {Buffer[]} parts of the message, in order
 */
export function withNames(frame, rename) {
  const { type, bytes } = frame
  switch (type) {
    case 'P': {
      const name = readText(bytes, 5)
      return message(type, [text(rename.statement(name.text, 'make')), bytes.subarray(name.end)])
    }
    case 'B': {
      const portal = readText(bytes, 5)
      const name = readText(bytes, portal.end)
      return message(type, [
        text(rename.portal(portal.text)),
        text(rename.statement(name.text, 'use')),
        bytes.subarray(name.end),
      ])
    }
    case 'D':
    case 'C': {
      const name = readText(bytes, 6)
      const renamed =
        bytes[5] === 0x53 // S, a statement
          ? rename.statement(name.text, type === 'C' ? 'close' : 'use')
          : rename.portal(name.text)
      return message(type, [bytes.subarray(5, 6), text(renamed), bytes.subarray(name.end)])
    }
    case 'E': {
      const portal = readText(bytes, 5)
      return message(type, [text(rename.portal(portal.text)), bytes.subarray(portal.end)])
    }
    default:
      return [bytes]
  }
}

/** @param {string} type @param {Buffer[]} body @returns {Buffer[]} */
export function message(type, body) {
  const head = Buffer.alloc(5)
  head.write(type, 'latin1')
  head.writeInt32BE(
    body.reduce((size, part) => size + part.length, 4),
    1,
  )
  return [head, ...body]
}

/** A string as the protocol writes it. @param {string} value */
export function text(value) {
  return Buffer.from(`${value}\0`)
}

/** @param {Buffer} bytes @param {number} from */
function readText(bytes, from) {
  const zero = bytes.indexOf(0, from)
  if (zero === -1) throw new ProtocolViolation('invalid string in message')
  return { text: bytes.toString('utf8', from, zero), end: zero + 1 }
}

/** @param {{ code: string, message: string }} error */
export function fatal({ code, message: sentence }) {
  const fields = [
    ['S', 'FATAL'],
    ['V', 'FATAL'],
    ['C', code],
    ['M', sentence],
  ]
  return Buffer.concat(
    message('E', [...fields.map(([field, value]) => text(`${field}${value}`)), Buffer.from([0])]),
  )
}

/**
 * The answer to a start-up packet: welcome, with the session's settings.
 * @param {Readonly<Record<string, string>>} settings
 */
export function welcome(settings) {
  return Buffer.concat([
    ...message('R', [Buffer.alloc(4)]),
    ...Object.entries(settings).flatMap(([name, value]) => message('S', [text(name), text(value)])),
    ...message('K', [Buffer.alloc(8)]),
    ...message('Z', [Buffer.from('I')]),
  ])
}
