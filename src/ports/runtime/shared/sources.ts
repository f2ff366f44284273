import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { BadArchive, UNFINISHED, unpackArchive } from '../../../kit/archive/index.ts'
import { type ProgramSource, StartFailed } from '../runtime.ts'
import { fronts } from '../../../rest/fronts.ts'
import { Trash } from './trash.ts'

/** How deep a folder that marks the source is looked for (contract abeja 4.2). */
const SEARCH_DEPTH = 3

/** A source as it was uploaded, which nobody but the server reaches, and nobody changes. */
interface Unpacked {
  readonly folder: string
  /** Where in it programs begin: '' for the folder itself. */
  readonly workingFolder: string
}

export interface Sources {
  /** The source, unpacked when it is not there yet. Throws StartFailed. */
  unpacked(source: ProgramSource): Promise<Unpacked>
  /** Removes what earlier servers left half unpacked. Only whoever is alone on the folder may call this. */
  tidy(): Promise<void>
}

/** Sources by their content, in a folder of the runtime's own. */
export function sourcesIn(root: string): Sources {
  const folder = join(root, 'unpacked')
  const known = new Map<string, Promise<Unpacked>>()
  return {
    async unpacked(source) {
      const { sha256 } = source
      const found =
        known.get(sha256) ??
        unpackArchive(() => source.open(), { folder, sha256 }).then(async (folder) => ({
          folder,
          workingFolder: await workingFolderIn(folder),
        }))
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
      // programs ran in these, and may have changed them
      await new Trash(join(root, 'trash')).remove(join(root, 'sources'))
      for (const name of await readdir(folder).catch(() => []))
        if (UNFINISHED.test(name) || name.endsWith('.zip.tmp'))
          await rm(join(folder, name), { recursive: true, force: true })
    },
  }
}

const MARKS = fronts.flatMap(({ sourceMark }) => sourceMark ?? [])

/** The folder in `root` that holds a folder by which a front marks the source, the nearest to it; '' where there is none. */
async function workingFolderIn(root: string): Promise<string> {
  let level = ['']
  for (let depth = 0; depth <= SEARCH_DEPTH; depth++) {
    const below: string[] = []
    for (const folder of level) {
      const entries = await readdir(join(root, folder), { withFileTypes: true })
      const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
      if (MARKS.some((mark) => folders.includes(mark))) return folder
      below.push(...folders.sort().map((name) => join(folder, name)))
    }
    level = below
  }
  return ''
}
