import { readdir, readlink, stat } from 'node:fs/promises'
import { join, posix, relative, resolve, sep } from 'node:path'
import { IgnoreFiles } from './ignore-files.ts'
import { ENVIRONMENT, reasonFor, type LeftOut } from './left-out.ts'
import { codeOf, Refusal, unreadable } from './refusal.ts'

/** Something of a folder that goes into its archive; `path` has `/` on every system. */
export type FolderEntry =
  | {
      readonly kind: 'file'
      readonly path: string
      readonly size: number
      readonly isExecutable: boolean
    }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  /** One that has nothing in it. */
  | { readonly kind: 'folder'; readonly path: string }

/** What is to be sent of a folder, and what is not. */
export interface ReadFolder {
  readonly entries: readonly FolderEntry[]
  readonly leftOut: readonly LeftOut[]
}

/**
 * All files and links of a folder, and the folders that are empty, in an order that depends on their names alone. Throws
 * a Refusal for what is no folder, an empty one, and for what no archive can hold or its service could not have: links
 * that lead out of it, and names that are not UTF-8.
 */
export async function readFolder(folder: string): Promise<ReadFolder> {
  await mustBeFolder(folder)
  const walk = new Walk(folder)
  await walk.into('', new IgnoreFiles())
  const { entries, leftOut } = walk
  return { entries: entries.toSorted(byPath), leftOut: leftOut.toSorted(byPath) }
}

const byPath = (one: { path: string }, other: { path: string }): number =>
  one.path < other.path ? -1 : 1

/** Throws a Refusal where there is nothing to be sent. */
export function mustHaveFiles(folder: string, { entries, leftOut }: ReadFolder): void {
  if (entries.some(({ kind }) => kind !== 'folder')) return
  throw new Refusal(
    leftOut.length === 0
      ? `${folder} is empty. Enter the folder that contains your code.`
      : `${folder} contains no files to upload. Enter the folder that contains your code.`,
  )
}

async function mustBeFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT')
      throw new Refusal(
        `The folder ${folder} does not exist. Enter the folder that contains your code.`,
      )
    throw unreadable(folder, error)
  })
  if (!found.isDirectory())
    throw new Refusal(`${folder} is a file. Enter the folder that contains your code.`)
}

class Walk {
  readonly entries: FolderEntry[] = []
  readonly leftOut: LeftOut[] = []
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  async into(folder: string, above: IgnoreFiles): Promise<void> {
    const here = join(this.#root, folder)
    const within = await readdir(here, { withFileTypes: true, encoding: 'buffer' }).catch(
      (error: unknown) => {
        throw unreadable(here, error)
      },
    )
    const found = within.map((one) => ({ one, name: one.name.toString() }))
    const names = new Set(found.filter(({ one }) => one.isFile()).map(({ name }) => name))
    const ignoreFiles = await above.within(this.#root, folder, names)
    const before = this.entries.length
    for (const { one, name } of found) {
      const path = posix.join(folder, name)
      const isFolder = one.isDirectory()
      const reason =
        reasonFor(path, isFolder, ignoreFiles) ??
        (isFolder && (await this.#isEnvironment(path, ignoreFiles)) ? 'environment' : undefined)
      if (reason !== undefined) this.leftOut.push({ path, isFolder, reason })
      else if (!isUtf8(one.name, name))
        throw new Refusal(`${join(here, name)} has a name that is not valid UTF-8. Rename it.`)
      else if (isFolder) await this.into(path, ignoreFiles)
      else this.entries.push(await this.#entry(path, one))
    }
    if (folder !== '' && this.entries.length === before)
      this.entries.push({ kind: 'folder', path: folder })
  }

  async #isEnvironment(path: string, ignoreFiles: IgnoreFiles): Promise<boolean> {
    if (ignoreFiles.leavesOut(path, true) === null) return false // it was asked for
    return stat(join(this.#root, path, ENVIRONMENT)).then(
      (file) => file.isFile(),
      () => false,
    )
  }

  async #entry(path: string, found: Found): Promise<FolderEntry> {
    const full = join(this.#root, path)
    if (found.isSymbolicLink())
      return { kind: 'link', path, target: await inside(this.#root, full) }
    if (!found.isFile())
      throw new Refusal(
        `${full} is neither a file nor a folder. Remove it, or name it in .millraceignore.`,
      )
    const { size, mode } = await stat(full).catch((error: unknown) => {
      throw unreadable(full, error)
    })
    return { kind: 'file', path, size, isExecutable: (mode & 0o111) !== 0 }
  }
}

interface Found {
  isFile(): boolean
  isSymbolicLink(): boolean
}

/** Where a link leads, which must be in the folder. */
async function inside(root: string, link: string): Promise<string> {
  const bytes = await readlink(link, { encoding: 'buffer' })
  const target = bytes.toString()
  const reached = relative(resolve(root), resolve(link, '..', target))
  if (
    reached === '..' ||
    reached.startsWith(`..${sep}`) ||
    resolve(reached) === reached ||
    resolve(target) === target
  )
    throw new Refusal(
      `${link} is a link to ${target}, outside of the folder. Copy the target into the folder.`,
    )
  if (!isUtf8(bytes, target))
    throw new Refusal(
      `${link} is a link to ${target}, a name that is not valid UTF-8. Rename the target.`,
    )
  return target.replaceAll(sep, '/')
}

/** Whether the text is all that the bytes are. */
const isUtf8 = (bytes: Buffer, text: string): boolean => bytes.equals(Buffer.from(text))
