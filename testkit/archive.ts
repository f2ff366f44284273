import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { crc32, gzipSync } from 'node:zlib'
import { type Headers, pack } from 'tar-stream'
import type { ProgramSource } from '../src/ports/runtime/runtime.ts'

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

/** A zip archive of one file that is not compressed. */
export function storedZip({ name, content }: { name: string; content: string }): Buffer {
  const [path, body] = [Buffer.from(name), Buffer.from(content)]
  const about = Buffer.alloc(26) // version, flags, method, time, sum, sizes, length of the name
  about.writeUInt16LE(20, 0)
  about.writeUInt32LE(crc32(body), 10)
  about.writeUInt32LE(body.length, 14)
  about.writeUInt32LE(body.length, 18)
  about.writeUInt16LE(path.length, 22)
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), about, path, body])
  const version = Buffer.from([20, 0])
  const central = Buffer.concat([Buffer.from('PK\x01\x02'), version, about, Buffer.alloc(14), path])
  const end = Buffer.alloc(18)
  end.writeUInt16LE(1, 4)
  end.writeUInt16LE(1, 6)
  end.writeUInt32LE(central.length, 8)
  end.writeUInt32LE(local.length, 12)
  return Buffer.concat([local, central, Buffer.from('PK\x05\x06'), end])
}

/** An archive of these files as a runtime wants it. */
export async function sourceOf(
  files: Readonly<Record<string, string | Buffer>>,
): Promise<ProgramSource> {
  const bytes = await tarGz(files)
  return {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    open: () => Promise.resolve(Readable.from([bytes])),
  }
}
