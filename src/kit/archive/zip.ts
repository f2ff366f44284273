import { isUtf8 } from 'node:buffer'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import type { Readable } from 'node:stream'
import { type Entry as ZipEntry, open, type ZipFile } from 'yauzl'
import { BadArchive, corrupt } from './bad-archive.ts'
import { noBytes, type RawEntry } from './entry.ts'

const MAX_TARGET_BYTES = 1024
const UNIX_HOSTS = [3, 19]

/** The entries of a zip file, in the order of its directory. Throws BadArchive for broken bytes. */
export async function* zipEntries(file: string): AsyncGenerator<RawEntry> {
  const options = { lazyEntries: true, autoClose: false, decodeStrings: false }
  const zip = await promisify<string, typeof options, ZipFile>(open)(file, options).catch(
    (cause) => {
      throw corrupt(cause)
    },
  )
  try {
    for (let entry = await nextEntry(zip); entry; entry = await nextEntry(zip))
      yield await rawEntry(zip, entry)
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
  // with decodeStrings off the name is the raw bytes, whatever the types of an older version say
  const raw = entry.fileName as unknown as Buffer
  const name = raw.toString(isUtf8(raw) ? 'utf8' : 'latin1')
  const quoted = JSON.stringify(name)
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

function kindOf(name: string, mode: number): RawEntry['kind'] {
  const type = mode & 0o170000
  if (type === 0o120000) return 'symlink'
  if (name.endsWith('/') || type === 0o040000) return 'folder'
  if (type === 0o100000 || type === 0) return 'file'
  throw new BadArchive(
    `The archive's entry ${JSON.stringify(name)} is a device or pipe; only files, folders and links are allowed.`,
  )
}

async function* checkedBody(zip: ZipFile, entry: ZipEntry, quoted: string): AsyncGenerator<Buffer> {
  let sum = 0
  try {
    const stream = await new Promise<Readable>((resolve, reject) => {
      zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened)))
    })
    for await (const chunk of stream as AsyncIterable<Buffer>) {
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
