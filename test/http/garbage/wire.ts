import { connect } from 'node:net'

/** Bytes that go to the server on a connection of their own. */
export interface Garbage {
  readonly bytes: Buffer
  /** After the last byte the caller goes; else it waits until the server has said all. */
  readonly cut?: boolean
  /** The bytes open a WebSocket: the caller waits for the operation `END`, or the end of the socket. */
  readonly isSocket?: boolean
  /** What goes out once the server has let the caller in, by a WebSocket. */
  readonly afterwards?: Buffer
}

/** The last operation on every socket. */
export const END = 'the-end'

/** Far beyond any answer: it only ends what would never end. */
const HANG_MS = 25_000
/** What is left for the first event of a stream of events. */
const EVENT_MS = 50

export interface Said {
  readonly text: string
  readonly isHung: boolean
}

/** All that the server says to them until it or the caller has ended. */
export function exchange(
  port: number,
  { bytes, cut, isSocket, afterwards }: Garbage,
): Promise<Said> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const chunks: Buffer[] = []
    let isHung = false
    let rest = afterwards
    const hang = setTimeout(() => {
      isHung = true
      socket.destroy()
    }, HANG_MS)
    const said = (): string => Buffer.concat(chunks).toString('latin1')
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      if (isSocket) {
        if (rest !== undefined && said().includes('"connection_ack"')) {
          socket.write(rest)
          rest = undefined
          if (cut) socket.end()
        }
        if (isOver(said())) socket.destroy()
      } else if (/^content-type: text\/event-stream/im.test(said()))
        setTimeout(() => socket.destroy(), EVENT_MS)
      else if (!cut && said().endsWith('\r\n0\r\n\r\n')) socket.destroy() // the last chunk
    })
    socket.on('error', () => {}) // the server may end it before all has come
    socket.once('close', () => {
      clearTimeout(hang)
      resolve({ text: said(), isHung })
    })
    socket.write(bytes)
    if (cut && rest === undefined) socket.end()
  })
}

/** Whether a WebSocket has nothing more to say: the upgrade refused, the last operation done, or a close frame. */
function isOver(text: string): boolean {
  const head = text.indexOf('\r\n\r\n')
  if (head < 0) return false
  if (text.includes(`"id":"${END}","type":"complete"`)) return true
  for (let at = head + 4; at + 1 < text.length;) {
    if ((text.charCodeAt(at) & 0x0f) === 8) return true
    const short = text.charCodeAt(at + 1) & 0x7f
    const long = short === 126 ? 2 : short === 127 ? 8 : 0
    let length = long === 0 ? short : 0
    for (let byte = 0; byte < long; byte += 1)
      length = length * 256 + text.charCodeAt(at + 2 + byte)
    at += 2 + long + length
  }
  return false
}

/** An HTTP request, as it is written: nothing is mended. */
export function requestOf(
  method: string,
  target: string,
  headers: readonly string[],
  body: Buffer | string = '',
): Buffer {
  const head = [`${method} ${target} HTTP/1.1`, ...headers, '', ''].join('\r\n')
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)])
}

/** One POST of JSON to the API. */
export function posted(json: Buffer | string, headers: readonly string[]): Buffer {
  const length = `content-length: ${Buffer.byteLength(json)}`
  const own = ['host: localhost', 'connection: close', 'content-type: application/json', length]
  return requestOf('POST', '/graphql', [...own, ...headers], json)
}
