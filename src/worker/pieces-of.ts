/** Longest line, in characters: no memory is needed for one without an end. As JSON it is at most six times as long. */
const MAX_LINE = 65_536

/** A line as several, the last of which may go on; itself where it is not too long. */
export function* piecesOf(line: string): Generator<string, void, void> {
  let from = 0
  while (line.length - from > MAX_LINE) {
    // half a surrogate pair is no character
    const isHalf = /[\uD800-\uDBFF]/.test(line.charAt(from + MAX_LINE - 1))
    const to = from + MAX_LINE - (isHalf ? 1 : 0)
    yield line.slice(from, to)
    from = to
  }
  yield line.slice(from)
}
