import { readdir, readlink, stat } from 'node:fs/promises'
import { join, posix, relative, resolve, sep } from 'node:path'
import { codeOf, Refusal } from './refusal.ts'

/** Something of a folder that goes into its archive; `path` has `/` on every system. */
export type FolderEntry =
  | {
      readonly kind: 'file'
      readonly path: string
      readonly size: number
      readonly isExecutable: boolean
    }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }

/** What tools leave beside the code. */
const LEFT_OUT = new Set(['node_modules', '.git', '__pycache__', '.venv', '.DS_Store'])
const isLeftOut = (name: string): boolean => LEFT_OUT.has(name) || name.endsWith('.pyc')

/**
 * All files and links of a folder, in an order that depends on their names alone. Throws a Refusal for what is no
 * folder, an empty one, and for links that lead out of it.
 */
export async function readFolder(folder: string): Promise<FolderEntry[]> {
  await mustBeFolder(folder)
  const entries: FolderEntry[] = []
  await walk(folder, '', entries)
  if (entries.length === 0)
    throw new Refusal(`${folder} is empty: give the folder that holds your code.`)
  return entries.sort((one, other) => (one.path < other.path ? -1 : 1))
}

async function mustBeFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT')
      throw new Refusal(`There is no folder ${folder}: give the one that holds your code.`)
    throw error
  })
  if (!found.isDirectory())
    throw new Refusal(`${folder} is a file: give the folder that holds your code.`)
}

async function walk(root: string, folder: string, entries: FolderEntry[]): Promise<void> {
  const here = join(root, folder)
  for (const found of await readdir(here, { withFileTypes: true })) {
    if (isLeftOut(found.name)) continue
    const path = posix.join(folder, found.name)
    const full = join(here, found.name)
    if (found.isDirectory()) await walk(root, path, entries)
    else if (found.isSymbolicLink())
      entries.push({ kind: 'link', path, target: await inside(root, full) })
    else if (found.isFile()) {
      const { size, mode } = await stat(full)
      entries.push({ kind: 'file', path, size, isExecutable: (mode & 0o111) !== 0 })
    } else throw new Refusal(`${full} is neither a file nor a folder: leave it out.`)
  }
}

/** Where a link leads, which must be in the folder. */
async function inside(root: string, link: string): Promise<string> {
  const target = await readlink(link)
  const reached = relative(resolve(root), resolve(link, '..', target))
  if (
    reached === '..' ||
    reached.startsWith(`..${sep}`) ||
    resolve(reached) === reached ||
    resolve(target) === target
  )
    throw new Refusal(
      `${link} is a link out of the folder, to ${target}: put what it leads to into the folder.`,
    )
  return target.replaceAll(sep, '/')
}
