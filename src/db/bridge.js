// @ts-check
// Many clients, one session. PGlite is one session of PostgreSQL; what a client of it may assume is that its
// messages are not mixed with those of others. So a client's messages are gathered until the one that asks for
// an answer (Sync, Query, Flush, FunctionCall) and run as one batch; while the client's transaction is open, or
// an answer was flushed without Sync, the session stays with that client and the others wait in line. A client
// that holds the session and says nothing for `idleInTransactionMs` is rolled back and disconnected.
// Prepared statements and portals get names of their client's own. SET and session locks are not kept apart.
import { createHash } from 'node:crypto'
import { fatal, FrameReader, message, ProtocolViolation, text, welcome, withNames } from './wire.js'

/** @typedef {import('node:worker_threads').MessagePort} MessagePort */
/** @typedef {{ readonly frames: import('./wire.js').Frame[], readonly end: string }} Batch */
/** @typedef {(bytes: Uint8Array, onData: (bytes: Uint8Array) => void) => Promise<void>} Execute */

const SSL_REQUEST = 80877103
const GSS_REQUEST = 80877104
const CANCEL_REQUEST = 80877102
const PROTOCOL_3 = 3
const REPLY_BYTES = 65_536
/** Longest name PostgreSQL tells apart. */
const NAME_BYTES = 63
/** A name that no client can give a statement: using it fails as using an unknown one should. */
const UNKNOWN = 'unknown'

const NO_COPY = Buffer.concat(message('f', [text('the embedded database cannot COPY FROM STDIN')]))

class Client {
  reader = new FrameReader()
  started = false
  open = true
  /** Messages since the last batch. @type {import('./wire.js').Frame[]} */
  gathered = []
  /** @type {Batch[]} */
  batches = []
  /** Names of its prepared statements in the session. @type {Set<string>} */
  statements = new Set()

  /** @param {number} number @param {MessagePort} port */
  constructor(number, port) {
    this.prefix = `c${number}_`
    this.port = port
  }

  /** @param {string} name */
  own(name) {
    const plain = this.prefix + name
    if (Buffer.byteLength(plain) <= NAME_BYTES) return plain
    return this.prefix + createHash('sha1').update(name).digest('hex')
  }
}

export class Bridge {
  #execute
  #settings
  #idleInTransactionMs
  #clients = 0
  /** Clients with a batch to run, first come first served. @type {Client[]} */
  #line = []
  /** Whoever has the session until its transaction ends. @type {Client | undefined} */
  #owner
  /** Who made the session's one unnamed statement. @type {Client | undefined} */
  #unnamedOf
  #running = false
  /** Where the reply of the batch that runs is put together. */
  #reply = new Uint8Array(REPLY_BYTES)
  /** @type {NodeJS.Timeout | undefined} */
  #idle

  /**
   * @param {object} options
   * @param {Execute} options.execute runs messages in the session
   * @param {Readonly<Record<string, string>>} options.settings told to every client that starts
   * @param {number} options.idleInTransactionMs
   */
  constructor({ execute, settings, idleInTransactionMs }) {
    this.#execute = execute
    this.#settings = settings
    this.#idleInTransactionMs = idleInTransactionMs
  }

  /** A client's end of the wire: chunks of bytes both ways, `null` from here when it is over. @param {MessagePort} port */
  connect(port) {
    this.#clients += 1
    const client = new Client(this.#clients, port)
    port.on('message', (/** @type {Uint8Array} */ chunk) => this.#receive(client, chunk))
    port.on('close', () => this.#leave(client))
  }

  /** @param {Client} client @param {Uint8Array} chunk */
  #receive(client, chunk) {
    if (!client.open) return
    try {
      client.reader.push(chunk)
      for (let frame = client.reader.next(); frame; frame = client.reader.next()) {
        if (client.started) this.#gather(client, frame)
        else this.#start(client, frame.bytes)
        if (!client.open) return
      }
    } catch (error) {
      this.#refuse(client, error)
    }
  }

  /** @param {Client} client @param {Buffer} packet */
  #start(client, packet) {
    const request = packet.readInt32BE(4)
    if (request === SSL_REQUEST || request === GSS_REQUEST) return send(client, Buffer.from('N'))
    if (request === CANCEL_REQUEST) return this.#end(client)
    if (request >>> 16 !== PROTOCOL_3)
      throw new ProtocolViolation(
        `unsupported frontend protocol ${request >>> 16}.${request & 0xffff}`,
      )
    client.started = true
    client.reader.start()
    send(client, welcome(this.#settings))
  }

  /** @param {Client} client @param {import('./wire.js').Frame} frame */
  #gather(client, frame) {
    const { type } = frame
    if (type === 'X') return this.#end(client)
    if (type === 'd' || type === 'c' || type === 'f') return // outside of COPY, PostgreSQL ignores these too
    client.gathered.push(frame)
    if (type !== 'S' && type !== 'Q' && type !== 'H' && type !== 'F') return
    client.batches.push({ frames: client.gathered, end: type })
    client.gathered = []
    if (client === this.#owner) clearTimeout(this.#idle)
    else if (!this.#line.includes(client)) this.#line.push(client)
    void this.#work()
  }

  /** Runs what can be run. It rejects, and ends the worker, only when PostgreSQL itself is broken. */
  async #work() {
    if (this.#running) return
    this.#running = true
    for (let client = this.#next(); client; client = this.#next()) {
      const batch = client.batches.shift()
      if (batch) await this.#run(client, batch)
    }
    this.#running = false
  }

  #next() {
    if (this.#owner?.open === false) return this.#owner
    if (this.#owner) return this.#owner.batches.length > 0 ? this.#owner : undefined
    const client = this.#line.shift()
    if (client && client.batches.length > 1) this.#line.push(client)
    return client
  }

  /** @param {Client} client @param {Batch} batch */
  async #run(client, { frames, end }) {
    if (!client.open) return this.#cleanUp(client)
    let bytes
    try {
      bytes = Buffer.concat(this.#encode(client, frames))
    } catch (error) {
      return this.#refuse(client, error)
    }
    if (end === 'Q') this.#unnamedOf = undefined
    const status = await this.#talk(bytes, end, (reply) => send(client, reply))
    this.#owner = status === 'I' ? undefined : client
    if (!client.open) return this.#cleanUp(client)
    if (client.batches.length > 0) {
      if (!this.#owner && !this.#line.includes(client)) this.#line.push(client)
    } else if (this.#owner) this.#limit(client)
  }

  /**
   * The messages under the client's own names. Before the last of an extended batch, and behind a simple one,
   * goes a CopyFail, which PostgreSQL ignores unless it is reading COPY FROM STDIN: that needs a conversation
   * within one statement, for which there is no way here.
   * @param {Client} client
   * @param {import('./wire.js').Frame[]} frames
   */
  #encode(client, frames) {
    const names = this.#names(client)
    const parts = frames.flatMap((frame) => withNames(frame, names))
    const last = frames.at(-1)
    const at = last?.type === 'Q' ? parts.length : parts.length - 1
    return [...parts.slice(0, at), NO_COPY, ...parts.slice(at)]
  }

  /**
   * Runs messages and hands on the reply. Returns the state of the session: I for idle, T or E for a
   * transaction, H for a reply that was flushed with the batch still open.
   * @param {Buffer} bytes
   * @param {string} end
   * @param {(reply: Uint8Array) => void} reply
   */
  async #talk(bytes, end, reply) {
    const buffer = this.#reply
    let size = 0
    let tail = Buffer.alloc(0)
    await this.#execute(bytes, (data) => {
      tail = Buffer.concat([tail, data.subarray(-6)]).subarray(-6)
      for (let from = 0; from < data.length;) {
        const part = data.subarray(from, from + buffer.length - size)
        buffer.set(part, size)
        size += part.length
        from += part.length
        if (size < buffer.length) continue
        reply(buffer)
        size = 0
      }
    })
    if (size > 0) reply(buffer.subarray(0, size))
    if (end === 'H') return 'H'
    if (tail.length === 6 && tail.readUInt8(0) === 0x5a && tail.readInt32BE(1) === 5)
      return String.fromCharCode(tail.readUInt8(5))
    throw new Error('PostgreSQL ended a batch without being ready for the next one')
  }

  /** @param {Client} client */
  #names(client) {
    return {
      /** @param {string} name @param {'make' | 'use' | 'close'} use */
      statement: (name, use) => {
        if (name === '') {
          if (use === 'make') this.#unnamedOf = client
          return this.#unnamedOf === client ? '' : UNKNOWN
        }
        const own = client.own(name)
        if (use === 'make') client.statements.add(own)
        if (use === 'close') client.statements.delete(own)
        return own
      },
      /** @param {string} name */
      portal: (name) => (name === '' ? '' : client.own(name)),
    }
  }

  /** Gives the silent owner of the session its time, then takes the session back. @param {Client} owner */
  #limit(owner) {
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => {
      this.#refuse(owner, {
        code: '25P03',
        message: `terminating connection due to idle-in-transaction timeout (${this.#idleInTransactionMs} ms)`,
      })
    }, this.#idleInTransactionMs)
  }

  /** Says what is wrong and hangs up; everybody else goes on. @param {Client} client @param {unknown} error */
  #refuse(client, error) {
    const { code = 'XX000', message: sentence = String(error) } =
      /** @type {{ code?: string, message?: string }} */ (error)
    send(client, fatal({ code, message: sentence }))
    this.#end(client)
  }

  /** @param {Client} client */
  #end(client) {
    if (client.open) client.port.postMessage(null, [])
    client.port.close()
    this.#leave(client)
  }

  /** @param {Client} client */
  #leave(client) {
    if (!client.open) return
    client.open = false
    client.gathered = []
    client.batches = []
    this.#line = this.#line.filter((other) => other !== client)
    if (this.#unnamedOf === client) this.#unnamedOf = undefined
    if (client !== this.#owner && client.statements.size === 0) return
    // A batch without frames only cleans up; it waits its turn like any other.
    client.batches = [{ frames: [], end: 'S' }]
    if (client === this.#owner) clearTimeout(this.#idle)
    else this.#line.push(client)
    void this.#work()
  }

  /** Rolls back and closes what the client has left in the session. @param {Client} client */
  async #cleanUp(client) {
    client.batches = []
    const rollBack = this.#owner === client ? message('Q', [text('ROLLBACK')]) : []
    // The first ROLLBACK is for a batch cut off before its Sync, which Sync would commit; the second for a
    // session that ignores everything until Sync because the batch failed.
    const parts = [
      ...rollBack,
      ...message('S', []),
      ...rollBack,
      ...[...client.statements].flatMap((name) => message('C', [Buffer.from('S'), text(name)])),
      ...message('S', []),
    ]
    client.statements.clear()
    await this.#talk(Buffer.concat(parts), 'S', () => {})
    if (this.#owner === client) this.#owner = undefined
  }
}

/** @param {Client} client @param {Uint8Array} bytes */
function send(client, bytes) {
  if (!client.open) return
  const own = new Uint8Array(bytes) // moves to the other thread, so it must be whole and nobody else's
  client.port.postMessage(own, [own.buffer])
}
