import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { BadArchive, UNFINISHED, unpackArchive } from '../../../kit/archive/index.ts'
import { type Source, StartFailed } from '../runtime.ts'

/** How deep a `.abeja` folder is looked for (contract abeja 4.2). */
const SEARCH_DEPTH = 3

export interface Sources {
  /** The working folder for a source, unpacked when it is not there yet. Throws StartFailed. */
  workingFolder(source: Source): Promise<string>
  /** Removes what a killed server left half unpacked. Only whoever is alone on the folder may call this. */
  tidy(): Promise<void>
}

export function sourcesIn(folder: string): Sources {
  const known = new Map<string, Promise<string>>()
  return {
    async workingFolder(source) {
      const { sha256 } = source
      const found =
        known.get(sha256) ??
        unpackArchive(() => source.open(), { folder, sha256 }).then(workingFolderIn)
      known.set(sha256, found)
      try {
        return await found
      } catch (cause) {
        known.delete(sha256)
        if (cause instanceof BadArchive) throw new StartFailed(cause.message, { cause })
        throw cause
      }
    },
    async tidy() {
      for (const name of await readdir(folder).catch(() => []))
        if (UNFINISHED.test(name) || name.endsWith('.zip.tmp'))
          await rm(join(folder, name), { recursive: true, force: true })
    },
  }
}

/** The folder that holds a folder `.abeja`, the nearest to the root; the root where there is none. */
async function workingFolderIn(root: string): Promise<string> {
  let level = [root]
  for (let depth = 0; depth <= SEARCH_DEPTH; depth++) {
    const below: string[] = []
    for (const folder of level) {
      const entries = await readdir(folder, { withFileTypes: true })
      const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
      if (folders.includes('.abeja')) return folder
      below.push(...folders.sort().map((name) => join(folder, name)))
    }
    level = below
  }
  return root
}
