import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract, type Entry as TarEntry, type Headers } from 'tar-stream'
import { BadArchive, corrupt } from './bad-archive.ts'
import { noBytes, type RawEntry } from './entry.ts'

/** Most that may lie between two entries: long names and padding, which the library keeps in memory. */
const MAX_BETWEEN_BYTES = 4 * 1024 ** 2

/** The entries of a tar stream, gzipped or plain, in their order. Throws BadArchive for broken bytes. */
export async function* tarEntries(
  source: Readable,
  format: 'tar' | 'tar.gz',
): AsyncGenerator<RawEntry> {
  let between = 0
  const progress = (): void => {
    between = 0
  }
  async function* bounded(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      between += chunk.length
      if (between > MAX_BETWEEN_BYTES)
        throw new BadArchive('The archive has megabytes of padding or names between its entries.')
      yield chunk
    }
  }
  const extraction = extract()
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
      progress()
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

function rawEntry(
  entry: TarEntry,
  progress: () => void,
  broken: (cause: unknown) => Promise<Error>,
): RawEntry {
  const { name, type, linkname, mode = 0, size = 0 } = entry.header
  if (!Number.isSafeInteger(size) || size < 0)
    throw new BadArchive(`The archive's entry ${JSON.stringify(name)} has no valid size.`)
  async function* body(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of entry) {
        progress()
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
    target: linkname ?? '',
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
        `The archive's entry ${JSON.stringify(name)} is ${type ? `a ${type}` : 'of an unknown kind'}; only files, folders and links are allowed.`,
      )
  }
}

/** Plain tar has no checksum of its whole; its end mark of zeros is what tells that it was not cut off. */
async function* endMark(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let tail: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    tail = Buffer.concat([tail, chunk.subarray(-512)]).subarray(-512)
    yield chunk
  }
  if (tail.length < 512 || tail.some((byte) => byte !== 0))
    throw new BadArchive('The archive is cut off: the end mark of a tar archive is missing.')
}
