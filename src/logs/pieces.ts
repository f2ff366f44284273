import type { LogLine } from '../streams/index.ts'

/** A line, or a piece of one that is too large for one delivery. */
export interface ShownLine extends LogLine {
  readonly piece?: Piece | undefined
}

/** Which piece of how many. */
export interface Piece {
  readonly number: number
  readonly of: number
}

/** A line in pieces that have at most this share of it, as JSON, each. No character is cut in two. */
export function inPieces(line: LogLine, share: number): readonly ShownLine[] {
  const { text } = line
  const most = share * Buffer.byteLength(JSON.stringify(text))
  const ends: number[] = []
  let bytes = 0
  let at = 0
  while (at < text.length) {
    const code = text.codePointAt(at) ?? 0
    const more = bytesOf(code)
    if (bytes > 0 && bytes + more > most) {
      ends.push(at)
      bytes = 0
    }
    bytes += more
    at += code > 0xffff ? 2 : 1
  }
  ends.push(at)
  return ends.map((end, place) => ({
    ...line,
    text: text.slice(ends[place - 1] ?? 0, end),
    piece: { number: place + 1, of: ends.length },
  }))
}

/** Bytes of a character in JSON. */
function bytesOf(code: number): number {
  if (code < 0x20) return SHORT.has(code) ? 2 : 6
  if (code === QUOTE || code === BACKSLASH) return 2
  if (code < 0x80) return 1
  if (code < 0x800) return 2
  if (code > 0xffff) return 4
  return code >= 0xd800 && code < 0xe000 ? 6 : 3 // half a pair is escaped
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c]
/** `\b`, `\t`, `\n`, `\f` and `\r`. */
const SHORT = new Set([8, 9, 10, 12, 13])
