import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import ignore, { type Ignore } from 'ignore'
import { unreadable } from './refusal.ts'

/** Files that name what is not to be sent, in git's syntax. The first takes the place of the second. */
const OURS = '.millraceignore'
const GIT = '.gitignore'
export type IgnoreFile = typeof OURS | typeof GIT

/** What one of these files, in one folder, says of what lies below it. */
interface Level {
  readonly file: IgnoreFile
  /** Where it lies. */
  readonly folder: string
  readonly rules: Ignore
}

/**
 * What is not to be sent, as git reads its own files: each speaks of what lies in its folder and below, the last line
 * that fits decides, and what a file says comes before what those above it say. Where a folder has a `.millraceignore`,
 * no `.gitignore` counts in it and below. Nothing in a folder that is left out is ever asked for.
 */
export class IgnoreFiles {
  readonly #levels: readonly Level[]

  constructor(levels: readonly Level[] = []) {
    this.#levels = levels
  }

  /** The same with what the folder itself says, which has `names` in it. */
  async within(root: string, folder: string, names: ReadonlySet<string>): Promise<IgnoreFiles> {
    for (const { folder: above, rules } of this.#levels) {
      const path = bytesOf(below(above, folder))
      // it was left out up there, and taken back by a file in between: so is what lies in it
      if (path !== '' && rules.test(`${path}/`).ignored) rules.add({ pattern: takenBack(path) })
    }
    const hasOurs = names.has(OURS) || this.#levels.some(({ file }) => file === OURS)
    const file = hasOurs ? OURS : GIT
    if (!names.has(file)) return this
    const text = await readFile(join(root, folder, file), 'latin1').catch((error: unknown) => {
      throw unreadable(join(root, folder, file), error)
    })
    const rules = ignore({ ignorecase: false }).add(text.startsWith(MARK) ? text.slice(3) : text)
    return new IgnoreFiles([{ file, folder, rules }, ...this.#levels])
  }

  /** Which of the files leaves it out; null where one takes it back, undefined where none speaks of it. */
  leavesOut(path: string, isFolder: boolean): IgnoreFile | null | undefined {
    for (const { file, folder, rules } of this.#levels) {
      const { ignored, unignored } = rules.test(
        bytesOf(below(folder, path)) + (isFolder ? '/' : ''),
      )
      if (ignored) return file
      if (unignored) return null
    }
    return undefined
  }
}

/** To git a character is a byte: its `?` takes no `é`. */
const bytesOf = (text: string): string => Buffer.from(text).toString('latin1')
const MARK = bytesOf('\ufeff')

/** A path as a file in one of its folders sees it. */
const below = (folder: string, path: string): string =>
  folder === '' ? path : path.slice(folder.length + 1)

/** A line that takes one folder back and nothing else. */
const takenBack = (path: string): string => `!/${path.replaceAll(/[\\*?[\] ]/g, String.raw`\$&`)}/`
