import { isUtf8 } from 'node:buffer'
import { MAX_LINE_BYTES, type OutputLine, type OutputSource } from '../runtime.ts'

/** How much one batch may still hold. */
export interface Room {
  lines: number
  bytes: number
}

/** False when the longest line would not fit any more. */
export const hasRoom = (room: Room): boolean => room.lines > 0 && room.bytes > MAX_LINE_BYTES + 2

const ESCAPE_BYTES = 4
const NEWLINE = 10
const RETURN = 13

/**
 * Moves whole lines from the front of `bytes` to `into`, as many as there is room for, and answers how many bytes that
 * took. The rest, a line without end, stays for the next call, unless it is too long to be kept whole or `isLast` says
 * that no end will come. Runs of ordinary lines are decoded in one native call; only odd ones are looked at by byte.
 */
export function takeLines(
  bytes: Buffer,
  isLast: boolean,
  room: Room,
  source: OutputSource,
  into: OutputLine[],
): number {
  let start = 0
  while (hasRoom(room) && start < bytes.length) {
    const run = ordinaryRun(bytes, start, room)
    if (run.end > start) {
      addRun(bytes.subarray(start, run.end), source, into)
      room.lines -= run.lines
      room.bytes -= run.end - start
      start = run.end
      continue
    }
    const taken = addOddLine(bytes.subarray(start), isLast, source, into)
    if (taken === 0) break
    room.lines--
    room.bytes -= taken
    start += taken
  }
  return start
}

/** The lines from `start` on that have an end, are not too long and fit the room; at least one where one is first. */
function ordinaryRun(bytes: Buffer, start: number, room: Room): { end: number; lines: number } {
  let end = start
  let lines = 0
  while (lines < room.lines) {
    const newline = bytes.indexOf(NEWLINE, end)
    if (newline === -1 || newline - end > MAX_LINE_BYTES) break
    if (newline + 1 - start > room.bytes) break
    end = newline + 1
    lines++
  }
  return { end, lines }
}

function addRun(run: Buffer, source: OutputSource, into: OutputLine[]): void {
  if (isClean(run)) {
    const text = run.toString('utf8', 0, run.length - 1)
    const hasReturns = run.includes(RETURN)
    for (const line of text.split('\n'))
      into.push({ source, text: hasReturns ? lastDrawn(line) : line })
    return
  }
  for (let start = 0; start < run.length;) {
    const newline = run.indexOf(NEWLINE, start)
    const line = run.subarray(start, newline)
    for (const text of cleanTexts(line.subarray(...drawnPart(line)))) into.push({ source, text })
    start = newline + 1
  }
}

/** A line as a terminal shows it in the end: a carriage return goes back to its start, where the next text is drawn. */
function lastDrawn(line: string): string {
  if (!line.includes('\r')) return line
  const drawn = line.replace(/\r+$/, '')
  return drawn.slice(drawn.lastIndexOf('\r') + 1)
}

/** The same of a line's bytes: from where to where. */
function drawnPart(line: Buffer): [number, number] {
  let end = line.length
  while (line[end - 1] === RETURN) end--
  return [line.subarray(0, end).lastIndexOf(RETURN) + 1, end]
}

/** The text of a line that has no end yet. */
export function unfinishedLine(bytes: Buffer, source: OutputSource): OutputLine {
  return { source, text: cleanTexts(bytes)[0] ?? '', isUnfinished: true }
}

/** A line that is too long, or the last one, without an end. */
function addOddLine(
  bytes: Buffer,
  isLast: boolean,
  source: OutputSource,
  into: OutputLine[],
): number {
  const newline = bytes.indexOf(NEWLINE)
  const length = newline === -1 ? bytes.length : newline
  const [begin, end] = drawnPart(bytes.subarray(0, length))
  if (end - begin > MAX_LINE_BYTES && (newline !== -1 || isLast || length > MAX_LINE_BYTES + 1)) {
    const cut = characterBoundary(bytes, begin + MAX_LINE_BYTES)
    for (const text of cleanTexts(bytes.subarray(begin, cut))) into.push({ source, text })
    return cut
  }
  if (newline === -1 && !isLast) return 0
  for (const text of cleanTexts(bytes.subarray(begin, end))) into.push({ source, text })
  return newline === -1 ? length : newline + 1
}

const isClean = (bytes: Buffer): boolean => isUtf8(bytes) && !bytes.includes(0)

/** The last place at or before `cut` that is not inside a character. */
function characterBoundary(bytes: Buffer, cut: number): number {
  for (let at = cut; at > cut - 4; at--) if (((bytes[at] ?? 0) & 0xc0) !== 0x80) return at
  return cut // no UTF-8 at all, so any place will do
}

/** One line's bytes as text, invalid bytes and NUL written as `\xNN`; more than one where that makes it too long. */
function cleanTexts(bytes: Buffer): string[] {
  if (isClean(bytes)) return [bytes.toString('utf8')]
  const texts: string[] = []
  let text = ''
  let size = 0
  let valid = 0 // where the valid bytes that are not in `text` yet begin
  for (let at = 0; at < bytes.length;) {
    const length = characterLength(bytes, at)
    const pieceSize = length || ESCAPE_BYTES
    if (size + pieceSize > MAX_LINE_BYTES) {
      texts.push(text + bytes.toString('utf8', valid, at))
      text = ''
      size = 0
      valid = at
    }
    if (length === 0) {
      text += bytes.toString('utf8', valid, at) + escaped(bytes[at] ?? 0)
      valid = at + 1
    }
    size += pieceSize
    at += length || 1
  }
  return [...texts, text + bytes.toString('utf8', valid)]
}

/** Length of the valid character at `at`; 0 where there is none, or NUL. */
function characterLength(bytes: Buffer, at: number): number {
  const lead = bytes[at] ?? 0
  if (lead < 0x80) return lead === 0 ? 0 : 1
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0
}

const escaped = (byte: number): string => `\\x${byte.toString(16).padStart(2, '0')}`
