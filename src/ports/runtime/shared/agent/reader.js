// @ts-check
import { Socket } from 'node:net'
import { MAX_LINE_BYTES, MAX_UNFINISHED_BYTES } from './frames.js'

const NEWLINE = 10
const RETURN = 13
/** Whoever prints little at a time is read a little later, so that a flood of lines is no flood of reads. */
const GATHER_MS = 2
const MUCH_BYTES = 16 * 1024
const SHOW_MS = 1_000
/** How long a line is without an end before that is shown: most get it at once. */
const OPEN_MS = 500
const MAX_PARTS = 100

/** All pipes are read into this: what is in it is written, or copied, before the next read. */
const shared = Buffer.allocUnsafeSlow(64 * 1024)

/** Those that have a line without an end which has changed. @type {Set<PipeReader>} */
const changed = new Set()
setInterval(() => {
  for (const reader of changed) reader.show()
}, SHOW_MS).unref()

/** Copies what comes out of a pipe into a journal: whole lines in one frame for each read. */
export class PipeReader {
  #socket
  #journal
  #source
  /** Of the line that has no end yet. @type {Buffer[]} */
  #open = []
  #openBytes = 0
  #openSince = 0
  #isHurried = false
  /** @type {NodeJS.Timeout | undefined} */
  #gathering

  /** Resolves when there is nothing more to be read. @type {Promise<void>} */
  ended

  /**
   * @param {number} fd @param {import('./frames.js').Source} source
   * @param {import('./journal.js').Journal} journal
   */
  constructor(fd, source, journal) {
    this.#source = source
    this.#journal = journal
    const onread = {
      buffer: shared,
      callback: (/** @type {number} */ length) => this.#take(shared.subarray(0, length)),
    }
    const options = { fd, readable: true, writable: false, onread }
    this.#socket = new Socket(options) // its types know `onread` of `connect` only
    this.ended = new Promise((resolve) => {
      this.#socket.once('close', resolve)
    }).then(() => this.#finish())
    this.#socket.on('error', () => this.#socket.destroy())
    this.#socket.resume()
  }

  /** Reads at once whatever is there: the program has ended, and what it has printed is taken however much is unread. */
  hurry() {
    this.#isHurried = true
    this.goOn()
  }

  /** Reads no more, whoever still holds the pipe. */
  stop() {
    this.#socket.destroy()
  }

  /** Reads on when there is room. */
  goOn() {
    if (this.#socket.destroyed || !this.#mayRead()) return
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    this.#socket.resume()
  }

  /** Shows how the open line looks now. */
  show() {
    if (!this.#journal.isWritten || performance.now() - this.#openSince < OPEN_MS) return
    changed.delete(this)
    const line = Buffer.concat(this.#open)
    const text = withoutReturns(line)
    if (text.length === 0) return
    const end = characterBoundary(text, Math.min(text.length, MAX_UNFINISHED_BYTES))
    this.#journal.write('UNFINISHED', this.#source, [text.subarray(0, end)])
  }

  #mayRead() {
    return this.#journal.isWritten && (this.#isHurried || !this.#journal.isFull)
  }

  /** @param {Buffer} bytes @returns {boolean} whether to read on at once */
  #take(bytes) {
    const end = bytes.lastIndexOf(NEWLINE) + 1
    if (end > 0) {
      this.#journal.write('LINES', this.#source, [...this.#open, bytes.subarray(0, end)])
      this.#clear()
    }
    if (end < bytes.length) this.#keep(bytes.subarray(end))
    if (!this.#mayRead()) return false
    if (this.#isHurried || bytes.length >= MUCH_BYTES) return true
    this.#gathering = setTimeout(() => this.goOn(), GATHER_MS)
    return false
  }

  /** Keeps what belongs to the open line; of what is drawn over, nothing. @param {Buffer} bytes */
  #keep(bytes) {
    if (this.#openBytes === 0) this.#openSince = performance.now()
    const text = withoutReturns(bytes)
    const drawn = text.lastIndexOf(RETURN) + 1
    const isReturned = this.#open.at(-1)?.at(-1) === RETURN
    if (drawn > 0 || (text.length > 0 && bytes[0] !== RETURN && isReturned)) this.#clear()
    // of the returns at its end one says all, and none where nothing is drawn
    const isSaid = text.length === 0 && (isReturned || this.#openBytes === 0)
    const end = Math.min(text.length + (isSaid ? 0 : 1), bytes.length)
    if (end === drawn) return
    const kept = Buffer.from(bytes.subarray(drawn, end))
    this.#openBytes += kept.length
    this.#open.push(kept)
    if (this.#open.length > MAX_PARTS) this.#open = [Buffer.concat(this.#open)]
    while (this.#openBytes > MAX_LINE_BYTES + 1) this.#cut()
    changed.add(this)
  }

  /** Writes as much of a line as there is room for. */
  #cut() {
    const line = Buffer.concat(this.#open)
    const cut = characterBoundary(line, MAX_LINE_BYTES)
    this.#journal.write('REST', this.#source, [line.subarray(0, cut)])
    this.#open = [line.subarray(cut)]
    this.#openBytes -= cut
  }

  #clear() {
    this.#open = []
    this.#openBytes = 0
    changed.delete(this)
  }

  #finish() {
    clearTimeout(this.#gathering)
    if (this.#openBytes > 0) this.#journal.write('REST', this.#source, this.#open)
    this.#clear()
  }
}

/** @param {Buffer} bytes */
function withoutReturns(bytes) {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === RETURN) end -= 1
  return bytes.subarray(0, end)
}

/** The last place at or before `cut` that is not inside a character. @param {Buffer} bytes @param {number} cut */
function characterBoundary(bytes, cut) {
  for (let at = cut; at > cut - 4 && at > 0; at--)
    if (at === bytes.length || ((bytes[at] ?? 0) & 0xc0) !== 0x80) return at
  return cut // no UTF-8, so any place will do
}
