import { isUtf8 } from 'node:buffer'
import { open as openFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { type Entry as ZipEntry, getFileNameLowLevel, openPromise, type ZipFile } from 'yauzl'
import { BadArchive, corrupt, quoted as inQuotes } from './bad-archive.ts'
import { noBytes, type RawEntry } from './entry.ts'

// what the library's types, of an older version, do not know
declare module 'yauzl' {
  interface Entry {
    readonly fileNameRaw: Buffer
  }
  interface LocalFileHeader {
    readonly fileName: Buffer
    readonly compressionMethod: number
  }
  interface ZipFile {
    eachEntry(): AsyncIterable<Entry>
    readLocalFileHeaderPromise(entry: Entry): Promise<LocalFileHeader>
    openReadStreamPromise(entry: Entry): Promise<Readable>
  }
  function openPromise(path: string, options: Options): Promise<ZipFile>
  function getFileNameLowLevel(
    flags: number,
    name: Buffer,
    extraFields: Entry['extraFields'],
    isStrict: boolean,
  ): string
}

const MAX_TARGET_BYTES = 1024
const UNIX_HOSTS = [3, 19]
const LOCAL_HEADER_BYTES = 30

/** The entries of a zip file, in the order of its directory. Throws BadArchive for broken bytes and for shared ones. */
export async function* zipEntries(file: string): AsyncGenerator<RawEntry> {
  const zip = await openPromise(file, { autoClose: false, decodeStrings: false }).catch((cause) => {
    throw corrupt(cause)
  })
  let taken = 0
  try {
    for await (const entry of listed(zip)) {
      taken += LOCAL_HEADER_BYTES + entry.compressedSize
      // bytes that several entries share unpack to many times what they are
      if (taken > zip.fileSize) throw new BadArchive('The archive has entries that overlap.')
      yield await rawEntry(zip, entry)
    }
    await mustEndAt(file, Number(zip.readEntryCursor))
  } finally {
    zip.close()
  }
}

async function* listed(zip: ZipFile): AsyncGenerator<ZipEntry> {
  try {
    yield* zip.eachEntry()
  } catch (cause) {
    throw corrupt(cause)
  }
}

/** Old tools write the number of entries modulo 65,536: what they do not count must not be lost unseen. */
async function mustEndAt(file: string, position: number): Promise<void> {
  const handle = await openFile(file)
  try {
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, position)
    if (buffer.toString('latin1') === 'PK\x01\x02')
      throw new BadArchive('The archive has more entries than it says.')
  } finally {
    await handle.close()
  }
}

async function rawEntry(zip: ZipFile, entry: ZipEntry): Promise<RawEntry> {
  const isUnix = UNIX_HOSTS.includes(entry.versionMadeBy >>> 8)
  const name = nameOf(entry, isUnix)
  const quoted = inQuotes(name)
  if (entry.isEncrypted()) throw new BadArchive(`The archive's entry ${quoted} is encrypted.`)
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8)
    throw new BadArchive(
      `The archive's entry ${quoted} is compressed by a method other than deflate.`,
    )
  await mustAgree(zip, entry, quoted)
  const mode = isUnix ? entry.externalFileAttributes >>> 16 : 0
  const kind = kindOf(name, mode)
  const body = checkedBody(zip, entry, quoted)
  return {
    name,
    kind,
    target: kind === 'symlink' ? await readTarget(body, quoted) : '',
    executable: (mode & 0o111) !== 0,
    body: kind === 'file' ? body : noBytes(),
  }
}

/** An entry is described in the directory and once more where it lies: programs that read one must see what others do. */
async function mustAgree(zip: ZipFile, entry: ZipEntry, quoted: string): Promise<void> {
  const local = await zip.readLocalFileHeaderPromise(entry).catch((cause) => {
    throw corrupt(cause, `The archive's entry ${quoted}`)
  })
  if (
    !local.fileName.equals(entry.fileNameRaw) ||
    local.compressionMethod !== entry.compressionMethod
  )
    throw new BadArchive(
      `The archive's entry ${quoted} is another in the archive's directory than where it lies.`,
    )
}

const IS_UTF8 = 0x800

/**
 * Some tools of Windows divide folders by backslashes, which no name has there; in a code page one can be half a
 * character.
 */
function nameOf(entry: ZipEntry, isUnix: boolean): string {
  const { fileNameRaw, generalPurposeBitFlag, extraFields } = entry
  const name = readable(fileNameRaw, generalPurposeBitFlag, extraFields)
  return isUtf8(fileNameRaw) && !isUnix ? name.replaceAll('\\', '/') : name
}

/** UTF-8 where it can be, said or not; else what the entry says of it besides, or the code page of DOS. */
const readable = (bytes: Buffer, flags = 0, extraFields: ZipEntry['extraFields'] = []): string =>
  getFileNameLowLevel(isUtf8(bytes) ? IS_UTF8 : flags & ~IS_UTF8, bytes, extraFields, true)

function kindOf(name: string, mode: number): RawEntry['kind'] {
  const type = mode & 0o170000
  if (type === 0o120000) return 'symlink'
  if (name.endsWith('/') || type === 0o040000) return 'folder'
  if (type === 0o100000 || type === 0) return 'file'
  throw new BadArchive(
    `The archive's entry ${inQuotes(name)} is a device or pipe; only files, folders and links are allowed.`,
  )
}

async function* checkedBody(zip: ZipFile, entry: ZipEntry, quoted: string): AsyncGenerator<Buffer> {
  let sum = 0
  try {
    const content: AsyncIterable<Buffer> = await zip.openReadStreamPromise(entry)
    for await (const chunk of content) {
      sum = crc32(chunk, sum)
      yield chunk
    }
  } catch (cause) {
    throw corrupt(cause, `The archive's entry ${quoted}`)
  }
  if (sum !== entry.crc32)
    throw new BadArchive(`The archive's entry ${quoted} is corrupt: its checksum is wrong.`)
}

async function readTarget(body: AsyncIterable<Buffer>, quoted: string): Promise<string> {
  let target = Buffer.alloc(0)
  for await (const chunk of body) {
    target = Buffer.concat([target, chunk])
    if (target.length > MAX_TARGET_BYTES)
      throw new BadArchive(`The archive's entry ${quoted} is a link with too long a target.`)
  }
  return readable(target)
}
