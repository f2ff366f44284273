import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { type Headers, pack } from 'tar-stream'
import type { Source } from '../../src/ports/runtime/runtime.ts'

export type TarEntry = Headers & { body?: string | Buffer }

/** The bytes of a tar archive with these entries, good or bad. */
export async function tar(entries: readonly TarEntry[]): Promise<Buffer> {
  const archive = pack()
  // of one age, so that equal files make equal archives
  for (const { body = '', ...header } of entries)
    archive.entry({ mtime: new Date(0), ...header }, body)
  archive.finalize()
  return buffer(archive)
}

export async function tarGz(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  return gzipSync(await tar(Object.entries(files).map(([name, body]) => ({ name, body }))))
}

/** An archive of these files as a runtime wants it. */
export async function sourceOf(files: Readonly<Record<string, string | Buffer>>): Promise<Source> {
  const bytes = await tarGz(files)
  return {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    open: () => Promise.resolve(Readable.from([bytes])),
  }
}
