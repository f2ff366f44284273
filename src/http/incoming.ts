import { IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { mustHave } from '../kit/patch.ts'

/**
 * A request as this server reads it.
 *
 * Node gives the connection of a request away for whatever protocol it offers to go on in, and its body with it. Here
 * that is for WebSocket alone: who offers another, as Java's HTTP client offers HTTP/2 with every first request, is
 * answered as if it had not (RFC 9110, 7.8).
 *
 * One that waits to be told to send its body (RFC 9110, 10.1.1) is told so when somebody begins to read that: who is
 * refused never sends it.
 */
export class Incoming extends IncomingMessage {
  // no fields with values: Node's own constructor sets `upgrade` before there would be any
  declare isOffered: boolean | null
  declare onFirstRead: (() => void) | undefined

  get upgrade(): boolean | null {
    return this.isOffered && (this.method === 'CONNECT' || isWebSocket(this))
  }

  /**
   * Whether it offered what is not taken up. Node's parser then stops behind it: bytes that came along with its end would
   * be lost, so its connection is not used again.
   */
  get isLast(): boolean {
    return this.isOffered === true && !this.upgrade
  }

  set upgrade(isOffered: boolean | null) {
    this.isOffered = isOffered
  }

  override _read(size: number): void {
    this.onFirstRead?.()
    this.onFirstRead = undefined
    super._read(size)
  }
}

// one of its own would be read in place of ours
const hasOwn = Object.hasOwn(new Incoming(new Socket()), 'upgrade')
mustHave('Node.js', 'IncomingMessage.upgrade that a class can take over', !hasOwn)

// by which undici knows a request of Node's, whose connection is not its to close
Object.defineProperty(Incoming.prototype, 'constructor', { value: IncomingMessage })

/** Whether a request asks to go on as a WebSocket (RFC 6455, 4.1). */
const isWebSocket = ({ method, headers, httpVersion }: IncomingMessage): boolean =>
  method === 'GET' &&
  httpVersion === '1.1' &&
  headers.upgrade?.toLowerCase() === 'websocket' &&
  !hasBody({ headers })

/** Whether bytes follow the head of a request (RFC 9112, 6.3). */
export const hasBody = ({ headers }: Pick<IncomingMessage, 'headers'>): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

/** Lets requests in that wait to be told to send their body. */
export function letWait(server: Server): void {
  server.on('checkContinue', (request: Incoming, response: ServerResponse) => {
    request.onFirstRead = () => {
      if (!response.headersSent) response.writeContinue()
    }
    server.emit('request', request, response)
  })
}
