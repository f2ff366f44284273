// @ts-check
import { closeSync, existsSync, openSync, writevSync } from 'node:fs'
import { join } from 'node:path'
import { headerOf, SEGMENT_BYTES, segmentName } from './frames.js'

/** Files that may wait to be read; beyond them the program waits in its `write`. */
const MAX_SEGMENTS = 16
const RETRY_MS = 1_000

/**
 * Writes the journal of one program. Writes are synchronous: a frame is there before anything else is read, so that
 * nothing waits in memory. What a full disk does not take is kept and tried again; whoever reads the program's output
 * stops until `onRoom`.
 */
export class Journal {
  #folder
  #onRoom
  #onTrouble
  /** @type {number | undefined} */
  #file
  #segment = 0
  #size = SEGMENT_BYTES
  #oldest = 1
  /** What the disk has not taken. @type {Buffer} */
  #waiting = Buffer.alloc(0)
  /** @type {NodeJS.Timeout | undefined} */
  #timer

  /**
   * @param {string} folder
   * @param {{ onRoom: () => void, onTrouble: (cause: unknown) => void }} listener
   */
  constructor(folder, { onRoom, onTrouble }) {
    this.#folder = folder
    this.#onRoom = onRoom
    this.#onTrouble = onTrouble
  }

  /** Whether the disk has taken all that was written. */
  get isWritten() {
    return this.#waiting.length === 0
  }

  /** Whether as much is unread as may be. */
  get isFull() {
    return this.#segment - this.#oldest >= MAX_SEGMENTS
  }

  /**
   * Appends a frame, whose bytes the caller may overwrite then.
   * @param {import('./frames.js').Kind} kind @param {import('./frames.js').Source} source
   * @param {readonly Buffer[]} parts
   */
  write(kind, source, parts) {
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    const frame = [headerOf(kind, source, length), ...parts]
    if (this.isWritten) this.#put(frame)
    else this.#waiting = Buffer.concat([this.#waiting, ...frame])
  }

  /** Tells that all before this file has been read and removed. @param {number} segment */
  released(segment) {
    const wasFull = this.isFull
    this.#oldest = Math.max(this.#oldest, segment)
    if (wasFull && !this.isFull) this.#onRoom()
  }

  close() {
    clearTimeout(this.#timer)
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  /** @param {Buffer[]} frame */
  #put(frame) {
    let left = frame
    try {
      if (this.#size >= SEGMENT_BYTES) this.#openNext()
      while (left.length > 0) {
        const written = writevSync(/** @type {number} */ (this.#file), left)
        this.#size += written
        left = behind(left, written)
      }
    } catch (cause) {
      // nobody reads it any more
      if (!existsSync(this.#folder)) return
      if (this.#timer === undefined) this.#onTrouble(cause)
      this.#waiting = Buffer.concat(left)
      this.#timer = setTimeout(() => this.#tryAgain(), RETRY_MS)
    }
  }

  #tryAgain() {
    const waiting = this.#waiting
    this.#waiting = Buffer.alloc(0)
    this.#put([waiting])
    if (!this.isWritten) return
    this.#timer = undefined
    this.#onRoom()
  }

  #openNext() {
    const file = openSync(join(this.#folder, segmentName(this.#segment + 1)), 'ax', 0o600)
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = file
    this.#segment += 1
    this.#size = 0
  }
}

/** What is left of these bytes behind the first `count`. @param {readonly Buffer[]} parts @param {number} count */
function behind(parts, count) {
  const left = []
  for (const part of parts) {
    if (count < part.length) left.push(part.subarray(count))
    count = Math.max(0, count - part.length)
  }
  return left
}
