import { isUtf8 } from 'node:buffer'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import { PassThrough, type Readable } from 'node:stream'
import { type Entry as ZipEntry, getFileNameLowLevel, open, type ZipFile } from 'yauzl'
import { BadArchive, corrupt, quoted as inQuotes } from './bad-archive.ts'
import { noBytes, type RawEntry } from './entry.ts'

// what the library's types, of an older version, do not know
declare module 'yauzl' {
  interface Entry {
    readonly fileNameRaw: Buffer
  }
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
  const options = { lazyEntries: true, autoClose: false, decodeStrings: false }
  const zip = await promisify<string, typeof options, ZipFile>(open)(file, options).catch(
    (cause) => {
      throw corrupt(cause)
    },
  )
  let taken = 0
  try {
    for (let entry = await nextEntry(zip); entry; entry = await nextEntry(zip)) {
      taken += LOCAL_HEADER_BYTES + entry.compressedSize
      // bytes that several entries share unpack to many times what they are
      if (taken > zip.fileSize) throw new BadArchive('The archive has entries that overlap.')
      yield await rawEntry(zip, entry)
    }
  } finally {
    zip.close()
  }
}

async function nextEntry(zip: ZipFile): Promise<ZipEntry | undefined> {
  const settled = new AbortController()
  const { signal } = settled
  try {
    const next = Promise.race([
      // the library's only payload of this event is an entry
      once(zip, 'entry', { signal }).then(([entry]) => entry as ZipEntry),
      once(zip, 'end', { signal }).then(() => undefined),
    ])
    zip.readEntry()
    return await next
  } catch (cause) {
    throw corrupt(cause)
  } finally {
    settled.abort()
  }
}

async function rawEntry(zip: ZipFile, entry: ZipEntry): Promise<RawEntry> {
  const name = nameOf(entry)
  const quoted = inQuotes(name)
  if (entry.isEncrypted()) throw new BadArchive(`The archive's entry ${quoted} is encrypted.`)
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8)
    throw new BadArchive(
      `The archive's entry ${quoted} is compressed by a method other than deflate.`,
    )
  const isUnix = UNIX_HOSTS.includes(entry.versionMadeBy >>> 8)
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

const IS_UTF8 = 0x800

/** UTF-8 where it can be, said or not; else what the entry says of it besides, or the code page of DOS. */
function nameOf({ fileNameRaw, generalPurposeBitFlag, extraFields }: ZipEntry): string {
  const flags = isUtf8(fileNameRaw) ? IS_UTF8 : generalPurposeBitFlag & ~IS_UTF8
  return getFileNameLowLevel(flags, fileNameRaw, extraFields, true)
}

function kindOf(name: string, mode: number): RawEntry['kind'] {
  const type = mode & 0o170000
  if (type === 0o120000) return 'symlink'
  if (name.endsWith('/') || type === 0o040000) return 'folder'
  if (type === 0o100000 || type === 0) return 'file'
  throw new BadArchive(
    `The archive's entry ${inQuotes(name)} is a device or pipe; only files, folders and links are allowed.`,
  )
}

/** The library's own stream of a stored entry never closes, so that reading it to its end would never end. */
async function* contentOf(zip: ZipFile, entry: ZipEntry): AsyncGenerator<Buffer> {
  const opened = await new Promise<Readable>((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)))
  })
  const closing = new PassThrough()
  opened.on('error', (cause) => closing.destroy(cause))
  try {
    yield* opened.pipe(closing)
  } finally {
    opened.destroy()
  }
}

async function* checkedBody(zip: ZipFile, entry: ZipEntry, quoted: string): AsyncGenerator<Buffer> {
  let sum = 0
  try {
    for await (const chunk of contentOf(zip, entry)) {
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
  return target.toString('utf8')
}
