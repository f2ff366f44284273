import type { ExecutionResult } from 'graphql'
import type { Deliverable } from '../events/index.ts'
import { jsonBytes } from '../kit/json/bytes.ts'

/**
 * Most bytes of a result, so that the message which brings it is below 1 MiB: what clients of WebSockets commonly take
 * (Python's `websockets` does by default).
 */
const MAX_BYTES = 1_000_000
/** What parts are made for: entries differ. */
const AIM_BYTES = 900_000
/** Most bytes of a character in JSON: `\u0000`. */
const ESCAPED = 6

/** Keeps the messages of one subscription small. It learns how large they come out, whatever is selected. */
export class Measure {
  /** Bytes of a message for each byte of its entries, once messages have been too large. */
  #ratio: number | undefined

  /** A portion in parts that are likely to fit. */
  fit(portion: Deliverable): readonly Deliverable[] {
    return this.#ratio === undefined ? [portion] : portion.split(AIM_BYTES / this.#ratio)
  }

  /** Its parts where the result is too large and there are any; itself otherwise. The result has about so many characters. */
  divide(
    portion: Deliverable,
    result: ExecutionResult,
    characters: number,
  ): readonly Deliverable[] {
    const most = characters * ESCAPED
    const isSmall = result.errors === undefined && most <= MAX_BYTES
    const bytes = isSmall ? most : jsonBytes(result)
    if (bytes > MAX_BYTES) {
      this.#ratio = bytes / Math.max(1, portion.size)
      const share = AIM_BYTES / bytes
      return portion.count > 1 ? portion.split(portion.size * share) : portion.pieces(share)
    }
    if (this.#ratio !== undefined && bytes < (this.#ratio * portion.size) / 2)
      this.#ratio = undefined
    return [portion]
  }
}
