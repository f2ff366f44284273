import { randomUUID } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BadArchive, SourceFault } from './bad-archive.ts'
import type { ArchiveEntry, RawEntry } from './entry.ts'
import { type ArchiveFormat, formatOf } from './format.ts'
import { sortedOut } from './left-out.ts'
import { tarEntries } from './tar.ts'
import { pathOf, ArchiveTree } from './tree.ts'
import { zipEntries } from './zip.ts'

export interface ArchiveOptions {
  /** Where a zip archive is laid down while it is read (its directory is at its end); it is removed again. */
  readonly temporary: string
  /** The archive as a file, where it is one already: then a zip archive is read in place. */
  readonly file?: string
  /** Most entries of all kinds, and most folders; 20,000 unless told. */
  readonly maxFiles?: number
  /** Most bytes after unpacking, counted while they come; 1 GiB unless told. */
  readonly maxBytes?: number
}

export interface ArchiveSummary {
  readonly format: ArchiveFormat
  readonly files: number
  readonly bytes: number
  /** Files that macOS has added by itself: they are not unpacked. The first of them. */
  readonly leftOut: readonly string[]
}

export type OpenArchive = () => Promise<Readable>

const MAX_FILES = 20_000
const MAX_BYTES = 1024 ** 3
/** Most names of files that are told to be left out. */
const MAX_LEFT_OUT = 100

/**
 * Reads an archive once, entry by entry, and calls `visit` for each that is safe; `visit` reads the body of a file to
 * its end. Throws BadArchive for what its sender did wrong, and any other error as it came.
 */
export async function walkArchive(
  open: OpenArchive,
  options: ArchiveOptions,
  visit: (entry: ArchiveEntry) => Promise<void>,
): Promise<ArchiveSummary> {
  const { maxFiles = MAX_FILES, maxBytes = MAX_BYTES } = options
  const tree = new ArchiveTree(maxFiles)
  const leftOut: string[] = []
  let entries = 0
  let files = 0
  let bytes = 0
  async function* counted(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of body) {
      bytes += chunk.length
      if (bytes > maxBytes)
        throw new BadArchive(
          `The archive unpacks to more than ${maxBytes.toLocaleString('en')} bytes.`,
        )
      yield chunk
    }
  }
  try {
    const { format, raw } = await rawEntries(open, options, maxBytes)
    for await (const found of raw) {
      if (++entries > maxFiles)
        throw new BadArchive(`The archive has more than ${maxFiles.toLocaleString('en')} entries.`)
      const { entry, isLeftOut } = await sortedOut(found)
      if (isLeftOut) {
        const path = pathOf(entry.name)
        if (entry.kind !== 'folder' && leftOut.length < MAX_LEFT_OUT) leftOut.push(path)
        for await (const _chunk of counted(entry.body));
        continue
      }
      const path = tree.add(entry)
      if (path === '') continue
      if (entry.kind !== 'folder') files++
      await visit({ ...entry, path, body: counted(entry.body) })
    }
    tree.finish()
    if (files === 0)
      throw new BadArchive(
        leftOut.length === 0
          ? 'The archive is empty: it has no files.'
          : 'The archive is empty: it has no files but those that macOS adds.',
      )
    return { format, files, bytes, leftOut }
  } catch (error) {
    throw error instanceof SourceFault ? error.cause : error
  }
}

async function rawEntries(
  open: OpenArchive,
  { temporary, file }: ArchiveOptions,
  maxBytes: number,
): Promise<{ format: ArchiveFormat; raw: AsyncIterable<RawEntry> }> {
  const opened = await open()
  const { head, whole } = await peek(opened)
  let format: ArchiveFormat
  try {
    format = formatOf(head)
  } catch (cause) {
    opened.destroy()
    throw cause
  }
  if (format !== 'zip') return { format, raw: tarEntries(whole, format) }
  if (file === undefined) return { format, raw: spilled(whole, temporary, maxBytes) }
  opened.destroy()
  return { format, raw: zipEntries(file) }
}

/** The first block, enough to tell the format by, and a stream of everything, the first block included. */
async function peek(source: Readable): Promise<{ head: Buffer; whole: Readable }> {
  const chunks = read(source)
  let head: Buffer = Buffer.alloc(0)
  while (head.length < 512) {
    const { value, done } = await chunks.next()
    if (done) break
    head = Buffer.concat([head, value])
  }
  async function* whole(): AsyncGenerator<Buffer> {
    yield head
    yield* chunks
  }
  return { head, whole: Readable.from(whole(), { objectMode: false }) }
}

async function* read(source: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of source) yield Buffer.from(chunk)
  } catch (cause) {
    throw new SourceFault('The archive could not be read.', { cause })
  }
}

async function* spilled(
  whole: Readable,
  folder: string,
  maxBytes: number,
): AsyncGenerator<RawEntry> {
  await mkdir(folder, { recursive: true })
  const file = join(folder, `${randomUUID()}.zip.tmp`)
  async function* bounded(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let size = 0
    for await (const chunk of chunks) {
      size += chunk.length
      if (size > maxBytes)
        throw new BadArchive(`The archive has more than ${maxBytes.toLocaleString('en')} bytes.`)
      yield chunk
    }
  }
  // opened first: a stream that is refused at once would make the file after it was removed
  const handle = await open(file, 'wx')
  try {
    await pipeline(whole, bounded, handle.createWriteStream())
    yield* zipEntries(file)
  } finally {
    await rm(file, { force: true })
  }
}
