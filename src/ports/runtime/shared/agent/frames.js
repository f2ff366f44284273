// @ts-check
/*
 * A journal is what one program has printed, in the order in which it was read: files `<n>.journal` (n from 1) in the
 * folder of its instance, each a row of frames. A frame is one byte for its kind and its source, four for the length of
 * the rest (little-endian), and the bytes as they were printed. One process writes a journal, the agent; others read
 * it while it grows. A file is whole when the next one is there; the last one may end in the middle of a frame.
 */

export const HEADER_BYTES = 5
/** A file this long is followed by another one, so that room comes back before the end. */
export const SEGMENT_BYTES = 4 * 1024 ** 2
/** Longest line that is kept whole. */
export const MAX_LINE_BYTES = 250_000
/** Most that is shown of a line that has no end yet. */
export const MAX_UNFINISHED_BYTES = 4_000

/**
 * `LINES`: one or more, each with its end. `REST`: a line that has none, because the output or its room has ended.
 * `UNFINISHED`: a line as it looks before its end; what comes next of its source takes its place.
 * @typedef {'LINES' | 'REST' | 'UNFINISHED'} Kind
 * @typedef {'STDOUT' | 'STDERR'} Source
 */

/** @type {readonly { readonly kind: Kind, readonly source: Source }[]} */
const FRAMES = [
  { kind: 'LINES', source: 'STDOUT' },
  { kind: 'LINES', source: 'STDERR' },
  { kind: 'REST', source: 'STDOUT' },
  { kind: 'REST', source: 'STDERR' },
  { kind: 'UNFINISHED', source: 'STDOUT' },
  { kind: 'UNFINISHED', source: 'STDERR' },
]

/** @param {number} segment */
export const segmentName = (segment) => `${segment}.journal`

/** @param {Kind} kind @param {Source} source @param {number} length */
export function headerOf(kind, source, length) {
  const header = Buffer.allocUnsafe(HEADER_BYTES)
  // from 1 on: a zero is what a file system shows of what it lost
  header[0] = 1 + FRAMES.findIndex((frame) => frame.kind === kind && frame.source === source)
  header.writeUInt32LE(length, 1)
  return header
}

/** @typedef {{ readonly kind: Kind, readonly source: Source, readonly length: number }} Header */

/** What a header says; undefined where there is none. @param {Buffer} bytes @returns {Header | undefined} */
export function parseHeader(bytes) {
  const frame = FRAMES[(bytes[0] ?? 0) - 1]
  if (frame === undefined || bytes.length < HEADER_BYTES) return undefined
  return { ...frame, length: bytes.readUInt32LE(1) }
}
