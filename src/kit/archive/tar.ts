import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { BadArchive, corrupt, quoted } from './bad-archive.ts'
import { ByteReader } from './bytes.ts'
import { noBytes, type RawEntry } from './entry.ts'
import { attribute, lastOfEach, paxAttributes, type Attributes } from './tar-attributes.ts'
import { BLOCK_BYTES, decoded, isZeros, tarHeader, untilNul, type TarHeader } from './tar-header.ts'
import { isSparse, mustFit, oldSparseMap, paxSparseMap, withHoles } from './tar-sparse.ts'

/** Most that may stand before one entry: attributes and long names, which are kept in memory. */
const MAX_BEFORE_BYTES = 256 * 1024
/** What of that each entry may have when all have much. */
const BEFORE_BYTES_EACH = 4 * 1024
/** Most zeros at its end, with which archives are made as long as the blocks of a tape. */
const MAX_PADDING_BYTES = 16 * 1024 ** 2
/** How much is read at a time. */
const PIECE_BYTES = 64 * 1024

/**
 * The entries of a tar stream, gzipped or plain, in their order; of a sparse file with its holes. Throws BadArchive
 * for broken bytes, and for more bytes between the contents than so many entries can need.
 */
export async function* tarEntries(
  source: Readable,
  format: 'tar' | 'tar.gz',
): AsyncGenerator<RawEntry> {
  const gunzip = format === 'tar.gz' ? createGunzip() : undefined
  // what goes wrong there is thrown where it is read
  const feeding = gunzip && pipeline(source, gunzip).catch(() => undefined)
  try {
    yield* entriesIn(new ByteReader(readable(gunzip ?? source)), gunzip !== undefined)
  } finally {
    source.destroy()
    gunzip?.destroy()
    await feeding
  }
}

async function* readable(source: Readable): AsyncGenerator<Buffer> {
  try {
    yield* source
  } catch (cause) {
    throw corrupt(cause)
  }
}

/** What stands before an entry and belongs to it: attributes, and names that are too long for its header. */
interface Before {
  readonly attributes: Attributes
  readonly name?: Buffer
  readonly target?: Buffer
}

const NOTHING: Before = { attributes: [] }

async function* entriesIn(bytes: ByteReader, isSummed: boolean): AsyncGenerator<RawEntry> {
  let shared: Attributes = []
  let before = NOTHING
  let beforeBytes = 0
  let budget = MAX_BEFORE_BYTES
  for (;;) {
    const block = await bytes.take(BLOCK_BYTES)
    if (block.length === 0 || isZeros(block)) {
      // plain tar has no sum of its whole: its end mark of zeros is what tells that it was not cut off
      if (block.length === 0 && !isSummed)
        throw new BadArchive('The archive is cut off: the end mark of a tar archive is missing.')
      await mustEnd(bytes)
      return
    }
    const header = tarHeader(block)
    if (!BEFORE.includes(header.type)) {
      yield* entryOf(bytes, header, { ...before, attributes: [...shared, ...before.attributes] })
      before = NOTHING
      beforeBytes = 0
      budget += BEFORE_BYTES_EACH
      continue
    }
    const name = decoded(header.name)
    const size = mustHaveSize(header, name)
    beforeBytes += BLOCK_BYTES + size
    budget -= BLOCK_BYTES + size
    if (budget < 0 || beforeBytes > MAX_BEFORE_BYTES) throw tooMuch()
    const content = (await bytes.take(padded(size))).subarray(0, size)
    if (content.length < size) for await (const _piece of bytes.exactly(1, name));
    switch (header.type) {
      case 'g':
        shared = lastOfEach(paxAttributes(content, name), SHARED)
        break
      case 'x':
      case 'X':
        before = { ...before, attributes: paxAttributes(content, name) }
        break
      case 'L':
        before = { ...before, name: untilNul(content) }
        break
      case 'K':
        before = { ...before, target: untilNul(content) }
    }
  }
}

/** Attributes of all, of one (X: Solaris), a long name, a long target; a name of the whole archive, which says nothing. */
const BEFORE = ['g', 'x', 'X', 'L', 'K', 'V']

/** What attributes of all are heeded for: no more of them is carried from entry to entry. */
const SHARED = ['path', 'linkpath', 'size']

const padded = (size: number): number => Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES

const tooMuch = (): BadArchive =>
  new BadArchive('The archive has too much padding or too many attributes.')

/** Throws BadArchive unless there are but zeros, and not too many. */
async function mustEnd(bytes: ByteReader): Promise<void> {
  let padding = 0
  for (let piece = await bytes.some(PIECE_BYTES); piece; piece = await bytes.some(PIECE_BYTES)) {
    padding += piece.length
    if (padding > MAX_PADDING_BYTES) throw tooMuch()
    if (!isZeros(piece))
      throw new BadArchive(
        'The archive goes on behind its end mark, where tar reads no more: pack all into one.',
      )
  }
}

/** One entry; what of its content nobody has read is passed over. */
async function* entryOf(
  bytes: ByteReader,
  header: TarHeader,
  { attributes, ...before }: Before,
): AsyncGenerator<RawEntry> {
  const own = (key: string): Buffer | undefined => attribute(attributes, key)
  const isHoley = header.type === '0' && isSparse(attributes)
  const rawName = (isHoley ? own('GNU.sparse.name') : undefined) ?? own('path')
  const name = decoded(rawName ?? before.name ?? header.name)
  const kind = kindOf(name, header.type)
  const content = kind === 'file' || header.type === 'D'
  const size = content ? mustHaveSize(header, name, own('size')) : 0
  if (header.type === 'D' && size > MAX_BEFORE_BYTES) throw tooMuch()
  let left = size
  async function* read(count: number): AsyncGenerator<Buffer> {
    for await (const piece of bytes.exactly(count, name)) {
      left -= piece.length
      yield piece
    }
  }
  const take = async (count: number): Promise<Buffer> => {
    const taken = await bytes.take(Math.min(count, left))
    left -= taken.length
    return taken
  }
  const map =
    header.type === 'S'
      ? await oldSparseMap(header.block, bytes)
      : isHoley && (await paxSparseMap(attributes, take))
  if (map) mustFit(map, left, name)
  const body = map ? withHoles(map, read) : read(size)
  yield {
    name,
    kind,
    target: decoded(own('linkpath') ?? before.target ?? header.target),
    executable: (header.mode & 0o111) !== 0,
    body: kind === 'file' ? body : noBytes(),
  }
  for await (const _piece of bytes.exactly(left + padded(size) - size, name));
}

/** As attributes tell it, else its header. Throws BadArchive. */
function mustHaveSize(header: TarHeader, name: string, told?: Buffer): number {
  const size = told === undefined ? header.size : Number(told.toString('latin1'))
  if (Number.isSafeInteger(size) && size >= 0) return size
  throw new BadArchive(`The archive's entry ${quoted(name)} has no valid size.`)
}

/** Links and folders have no content, whatever size they tell; but that of D, GNU's folder, which lists its names. */
function kindOf(name: string, type: string): RawEntry['kind'] {
  switch (type) {
    case '0':
    case '7': // contiguous on the disk
      return name.endsWith('/') ? 'folder' : 'file'
    case 'S':
      return 'file'
    case '5':
    case 'D':
      return 'folder'
    case '2':
      return 'symlink'
    case '1':
      return 'hardlink'
    default:
      throw new BadArchive(
        `The archive's entry ${quoted(name)} is ${OTHERS[type] ?? 'of an unknown kind'}; only files, folders and links are allowed.`,
      )
  }
}

const OTHERS: Readonly<Record<string, string>> = {
  '3': 'a character-device',
  '4': 'a block-device',
  '6': 'a fifo',
  M: 'the rest of a file from another volume',
}
