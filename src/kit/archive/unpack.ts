import { createHash, randomUUID } from 'node:crypto'
import { link, mkdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { ArchiveEntry } from './entry.ts'
import { type ArchiveOptions, type OpenArchive, walkArchive } from './walk.ts'

/** How the folders of a broken-off unpacking are named: whoever is alone on the folder may remove them. */
export const UNFINISHED = /^\.[0-9a-f]{64}\..*\.tmp$/

/**
 * Unpacks into `<folder>/<sha256>` and resolves with that path; there already, it is left as it is. The folder
 * appears whole, by one rename; two who unpack the same archive at once both succeed. Throws BadArchive, leaving
 * nothing, and Error when the bytes are not those of `sha256`.
 */
export async function unpackArchive(
  openArchive: OpenArchive,
  {
    folder,
    sha256,
    ...options
  }: Omit<ArchiveOptions, 'temporary' | 'file'> & { folder: string; sha256: string },
): Promise<string> {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error(`Not a SHA-256: ${sha256}`)
  const wanted = join(folder, sha256)
  if (await exists(wanted)) return wanted
  const unfinished = join(folder, `.${sha256}.${randomUUID()}.tmp`)
  const hash = createHash('sha256')
  const hashed: OpenArchive = async () => {
    const source = await openArchive()
    const tap = new PassThrough()
    source.on('data', (chunk: Buffer) => hash.update(chunk))
    source.on('error', (error) => tap.destroy(error))
    tap.on('close', () => source.destroy())
    return source.pipe(tap)
  }
  try {
    await mkdir(unfinished, { recursive: true })
    await walkArchive(hashed, { ...options, temporary: folder }, (entry) => put(unfinished, entry))
    if (hash.digest('hex') !== sha256)
      throw new Error(`The archive's bytes are not those of ${sha256}: the storage is damaged.`)
    await rename(unfinished, wanted).catch(async (error: unknown) => {
      if (!(await exists(wanted))) throw error // else another was faster, with the same content
    })
    return wanted
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

async function put(folder: string, entry: ArchiveEntry): Promise<void> {
  const path = join(folder, entry.path)
  if (entry.kind === 'folder') {
    await mkdir(path, { recursive: true })
    return
  }
  await mkdir(dirname(path), { recursive: true })
  switch (entry.kind) {
    case 'file': {
      await rm(path, { force: true }) // a later copy of a file replaces the earlier, as tar does
      const mode = entry.executable ? 0o755 : 0o644
      await writeFile(path, entry.body, { flag: 'wx', mode })
      return
    }
    case 'symlink':
      return symlink(entry.target, path)
    case 'hardlink':
      return link(join(folder, entry.target), path)
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
