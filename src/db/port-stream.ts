import { Duplex } from 'node:stream'
import type { MessagePort } from 'node:worker_threads'

/**
 * What `pg` takes for a socket: a stream over a MessagePort, as much of `net.Socket` as `pg` uses. The port
 * may come later than the stream; `null` from the other side is its end. When the other side dies instead, whoever
 * watches it must destroy the stream, with the reason.
 */
export class PortStream extends Duplex {
  #open: () => Promise<MessagePort>
  #port: MessagePort | undefined

  constructor(open: () => Promise<MessagePort>) {
    super({ allowHalfOpen: false })
    this.#open = open
  }

  /** Called by `pg` with a host and a port number, which mean nothing here. */
  connect(): this {
    this.#open().then(
      (port) => this.#connected(port),
      (cause: Error) => this.destroy(cause),
    )
    return this
  }

  #connected(port: MessagePort) {
    if (this.destroyed) return port.close()
    this.#port = port
    port.on('message', (chunk: Uint8Array<ArrayBuffer> | null) => {
      if (chunk === null) this.push(null)
      else this.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    })
    this.emit('connect')
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void) {
    this.#post([chunk])
    done()
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error) => void) {
    this.#post(chunks.map(({ chunk }) => chunk))
    done()
  }

  /** One copy into a buffer of its own, which then moves to the other thread. */
  #post(chunks: readonly Buffer[]) {
    const bytes = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0))
    let at = 0
    for (const chunk of chunks) {
      bytes.set(chunk, at)
      at += chunk.length
    }
    this.#port?.postMessage(bytes, [bytes.buffer])
  }

  override _read() {
    // Bytes are pushed as they come: the other thread has run the statement whole by then.
  }

  override _final(done: (error?: Error) => void) {
    this.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void) {
    this.#port?.close()
    done(error)
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    this.#port?.ref()
    return this
  }

  unref(): this {
    this.#port?.unref()
    return this
  }
}
