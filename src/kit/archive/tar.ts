import { isUtf8 } from 'node:buffer'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract, type Entry as TarEntry, type Headers } from 'tar-stream'
import { BadArchive, corrupt, quoted } from './bad-archive.ts'
import { noBytes, type RawEntry } from './entry.ts'

/** Most that may lie between two entries: attributes and long names, which the library keeps in memory. */
const MAX_BETWEEN_BYTES = 256 * 1024
/** What of that each entry may have when all have much. */
const BETWEEN_BYTES_EACH = 4 * 1024
/** Most zeros at its end, with which archives are made as long as the blocks of a tape. */
const MAX_PADDING_BYTES = 16 * 1024 ** 2
/** How much is read at a time. */
const PIECE_BYTES = 64 * 1024
/** Most attributes of an entry, with those that are given for all: the library copies them for each. */
const MAX_ATTRIBUTES = 256

/**
 * The entries of a tar stream, gzipped or plain, in their order. Throws BadArchive for broken bytes, and for more
 * bytes between the contents than so many entries can need.
 */
export async function* tarEntries(
  source: Readable,
  format: 'tar' | 'tar.gz',
): AsyncGenerator<RawEntry> {
  let between = 0
  let excess = 0
  const progress = (usedBytes: number): void => {
    between = 0
    excess -= usedBytes
  }
  async function* bounded(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks)
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        const piece = chunk.subarray(at, at + PIECE_BYTES)
        between += piece.length
        excess += piece.length
        const isMuch = Math.max(between, excess) > MAX_BETWEEN_BYTES
        if (between > MAX_PADDING_BYTES || (isMuch && !isZeros(piece)))
          throw new BadArchive('The archive has too much padding or too many attributes.')
        yield piece
      }
  }
  // Latin-1 keeps every byte of a name, to be read below
  const extraction = extract({ filenameEncoding: 'latin1' })
  const feeding = (
    format === 'tar.gz'
      ? pipeline(source, createGunzip(), bounded, extraction)
      : pipeline(source, endMark, bounded, extraction)
  ).then(
    () => undefined,
    (cause: unknown) => cause,
  )
  const broken = async (cause: unknown): Promise<Error> => {
    extraction.destroy()
    const first = await feeding
    return corrupt(cause instanceof BadArchive ? cause : (first ?? cause))
  }
  try {
    for await (const entry of extraction) {
      progress(BETWEEN_BYTES_EACH)
      yield rawEntry(entry, progress, broken)
    }
  } catch (cause) {
    throw await broken(cause)
  } finally {
    source.destroy()
    extraction.destroy()
    await feeding
  }
}

/** The library's types do not know of attributes; they are those of PAX headers. */
type TarHeaders = Headers & { readonly pax?: Readonly<Record<string, string>> | null }

/** A name as UTF-8 where it is, else as Latin-1: every byte tells two names apart. */
function decoded(name: string): string {
  const bytes = Buffer.from(name, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : name
}

function rawEntry(
  entry: TarEntry,
  progress: (usedBytes: number) => void,
  broken: (cause: unknown) => Promise<Error>,
): RawEntry {
  const { type, mode = 0, size = 0, ...header }: TarHeaders = entry.header
  const { path, linkpath, ...attributes } = header.pax ?? {}
  const name = path || decoded(header.name)
  if (!Number.isSafeInteger(size) || size < 0)
    throw new BadArchive(`The archive's entry ${quoted(name)} has no valid size.`)
  const keys = Object.keys(attributes)
  if (keys.length > MAX_ATTRIBUTES)
    throw new BadArchive(`The archive's entry ${quoted(name)} has too many attributes.`)
  if (keys.some((key) => key.startsWith('GNU.sparse.')))
    throw new BadArchive(
      `The archive's entry ${quoted(name)} is a sparse file: pack it without holes (tar without -S, bsdtar with --no-read-sparse).`,
    )
  async function* body(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of entry) {
        progress(chunk.length)
        yield chunk
      }
    } catch (cause) {
      throw await broken(cause)
    }
  }
  const kind = kindOf(name, type)
  return {
    name,
    kind,
    target: linkpath || decoded(header.linkname ?? ''),
    executable: (mode & 0o111) !== 0,
    body: kind === 'file' ? body() : drained(entry),
  }
}

/** The library goes on only behind a stream that was read; links and folders have none worth reading. */
function drained(entry: TarEntry): AsyncIterable<Buffer> {
  entry.resume()
  return noBytes()
}

function kindOf(name: string, type: Headers['type']): RawEntry['kind'] {
  switch (type) {
    case 'file':
    case 'contiguous-file':
      return name.endsWith('/') ? 'folder' : 'file'
    case 'directory':
      return 'folder'
    case 'symlink':
      return 'symlink'
    case 'link':
      return 'hardlink'
    default:
      throw new BadArchive(
        `The archive's entry ${quoted(name)} is ${type ? `a ${type}` : 'of an unknown kind'}; only files, folders and links are allowed.`,
      )
  }
}

const isZeros = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0)

/** Plain tar has no checksum of its whole; its end mark of zeros is what tells that it was not cut off. */
async function* endMark(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let tail: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    tail = Buffer.concat([tail, chunk.subarray(-512)]).subarray(-512)
    yield chunk
  }
  if (tail.length < 512 || !isZeros(tail))
    throw new BadArchive('The archive is cut off: the end mark of a tar archive is missing.')
}
