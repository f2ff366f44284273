import type { Readable } from 'node:stream'
import type { ByteRange } from '../../kit/http/byte-range.ts'

/** What is known of stored bytes. */
export interface StoredObject {
  readonly sizeBytes: number
  /** SHA-256 of the bytes in lower-case hexadecimal. */
  readonly sha256: string
}

/** More bytes came than the caller allowed; nothing was kept. */
export class TooLarge extends Error {
  readonly limitBytes: number
  constructor(limitBytes: number) {
    super(`More than ${limitBytes} bytes were sent.`)
    this.limitBytes = limitBytes
  }
}

/**
 * Storage keeps bytes under keys such as `archives/4f2a…`. Keys are made by us: letters, digits, `.`, `_`, `-`,
 * in segments divided by `/`. A key is there whole or not at all, also after a crash. Where it is full, or cannot be
 * reached, everything throws Outage.
 */
export interface Storage {
  /**
   * Streams `body` to `key`, replacing what was there. Bytes never stand whole in memory. `onProgress` hears the
   * count so far. Throws TooLarge beyond `maxBytes`, and the body's own error when it breaks off; then nothing is kept.
   */
  put(
    key: string,
    body: Readable,
    options: { maxBytes: number; onProgress?: (bytes: number) => void; signal?: AbortSignal },
  ): Promise<StoredObject>
  /**
   * The bytes, or those of a range, or undefined when there are none under that key. `sizeBytes` is of all of them. A
   * range ends with the bytes; throws RangeError for one that begins behind them.
   */
  get(key: string, range?: ByteRange): Promise<{ body: Readable; sizeBytes: number } | undefined>
  /** Moves `from` to `to`, replacing what was there, in one step. */
  move(from: string, to: string): Promise<void>
  /** Removes the key; removing what is not there is no error. */
  delete(key: string): Promise<void>
  /** Writes a little that is not kept; throws Outage where that is not possible. */
  probe(): Promise<void>
}
