import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { pack, type Headers, type Pack } from 'tar-stream'
import type { FolderEntry } from './folder.ts'
import { Refusal, unreadable } from './refusal.ts'

/** A packed folder, in a temporary file for as long as it is not removed. */
export interface PackedFolder {
  readonly file: string
  readonly sha256: string
  readonly sizeBytes: number
  remove(): Promise<void>
}

/** Of every entry: the archive says what is in the folder, not when it was put there or by whom. */
const NOBODY = { mtime: new Date(0), uid: 0, gid: 0 } as const

/** Packs a folder as tar.gz. Equal folders make equal archives. */
export async function packFolder(
  folder: string,
  entries: readonly FolderEntry[],
): Promise<PackedFolder> {
  const temporary = await mkdtemp(join(tmpdir(), 'millrace-'))
  const remove = (): Promise<void> => rm(temporary, { recursive: true, force: true })
  const file = join(temporary, 'source.tgz')
  const hash = createHash('sha256')
  let sizeBytes = 0
  const measured = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      sizeBytes += chunk.length
      done(null, chunk)
    },
  })
  const archive = pack()
  const failed = (error: Error): void => void archive.destroy(error)
  try {
    await Promise.all([
      pipeline(archive, createGzip(), measured, createWriteStream(file)),
      fill(archive, folder, entries).catch(failed),
    ])
  } catch (error) {
    await remove()
    throw error
  }
  return { file, sha256: hash.digest('hex'), sizeBytes, remove }
}

async function fill(archive: Pack, folder: string, entries: readonly FolderEntry[]): Promise<void> {
  for (const entry of entries) {
    if (entry.kind === 'link') {
      await header(archive, {
        ...NOBODY,
        name: entry.path,
        type: 'symlink',
        linkname: entry.target,
      })
      continue
    }
    if (entry.kind === 'folder') {
      await header(archive, { ...NOBODY, name: `${entry.path}/`, type: 'directory', mode: 0o755 })
      continue
    }
    const { path: name, size, isExecutable } = entry
    const bytes = archive.entry({ ...NOBODY, name, size, mode: isExecutable ? 0o755 : 0o644 })
    if (size === 0) bytes.end()
    else await pipeline(bytesOf(join(folder, name), size), bytes)
  }
  archive.finalize()
}

/** So many bytes of a file: one that grows meanwhile is cut there. Throws a Refusal for one that shrinks. */
async function* bytesOf(file: string, size: number): AsyncGenerator<Buffer> {
  let read = 0
  try {
    for await (const chunk of createReadStream(file, { end: size - 1 })) {
      const bytes = chunk as Buffer // it has no encoding
      read += bytes.length
      yield bytes
    }
  } catch (error) {
    throw unreadable(file, error)
  }
  if (read < size) throw new Refusal(`${file} became shorter while it was being packed. Try again.`)
}

function header(archive: Pack, headers: Headers): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry(headers, (error) => (error ? reject(error) : resolve()))
  })
}
