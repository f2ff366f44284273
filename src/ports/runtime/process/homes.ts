import { chmod, lchown, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Trash } from '../shared/trash.ts'

/** What a program finds as its own: HOME, TMPDIR below it, and its working folder. */
export interface Home {
  readonly folder: string
  readonly temporary: string
}

/**
 * The folders that programs have while they run, one each, of their users alone. They are made while nobody but the
 * server reaches them, and given away in one step when all is in its place.
 */
export class Homes {
  readonly #folder: string
  readonly #trash: Trash

  /** `folder`: a folder of ours that users of programs can pass through. */
  constructor(folder: string) {
    this.#folder = join(folder, 'homes')
    this.#trash = new Trash(join(folder, 'trash'))
  }

  /** Throws for a key that is in use, and whatever `fill` throws; then nothing is left. */
  async make(
    key: string,
    user: number | undefined,
    fill: (folder: string) => Promise<void>,
  ): Promise<Home> {
    await mkdir(this.#folder, { recursive: true })
    await chmod(this.#folder, 0o711)
    const folder = join(this.#folder, key)
    const temporary = join(folder, 'tmp')
    await mkdir(folder, { mode: 0o700 })
    try {
      await mkdir(temporary, { mode: 0o700 })
      // or Node.js would take a package that lies further up, such as ours, for that of the program
      await writeFile(join(folder, 'package.json'), '{}\n')
      await fill(folder)
      await chmod(folder, 0o700)
      if (user !== undefined) {
        await lchown(temporary, user, user)
        await lchown(folder, user, user)
      }
      return { folder, temporary }
    } catch (cause) {
      await this.remove(key)
      throw cause
    }
  }

  remove(key: string): Promise<void> {
    return this.#trash.remove(join(this.#folder, key))
  }

  /** Removes what is left of others than these. Only whoever is alone on the folder may call this. */
  async tidy(except: ReadonlySet<string>): Promise<void> {
    const left = await readdir(this.#folder).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return []
      throw cause
    })
    for (const key of left) if (!except.has(key)) await this.remove(key)
    await this.#trash.tidy()
  }
}
