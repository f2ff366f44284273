import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, open, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const MIB = 1024 * 1024

/** A small disk of a test's own, which can be filled. */
export class Volume {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** Undefined where mounting is not allowed. */
  static async mount(sizeMib: number): Promise<Volume | undefined> {
    const path = await mkdtemp(join(tmpdir(), 'millrace-volume-'))
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m`, 'tmpfs', path])
    } catch {
      await rm(path, { recursive: true })
      return undefined
    }
    return new Volume(path)
  }

  async folder(name: string): Promise<string> {
    const path = join(this.path, name)
    await mkdir(path, { recursive: true })
    return path
  }

  /** Leaves no room; again, when something was freed meanwhile. */
  async fill(): Promise<void> {
    const file = await open(join(this.path, 'filler'), 'a')
    try {
      for (let size = MIB; size >= 1; size /= 16)
        while (await wrote(file.write(Buffer.alloc(size))));
    } finally {
      await file.close()
    }
  }

  async free(): Promise<void> {
    await rm(join(this.path, 'filler'), { force: true })
  }

  /** Bytes in use. */
  async used(): Promise<number> {
    const { blocks, bfree, bsize } = await statfs(this.path)
    return (blocks - bfree) * bsize
  }

  async unmount(): Promise<void> {
    await run('umount', ['-l', this.path])
    await rm(this.path, { recursive: true, force: true })
  }
}

const wrote = (writing: Promise<{ bytesWritten: number }>): Promise<boolean> =>
  writing.then(
    ({ bytesWritten }) => bytesWritten > 0,
    () => false,
  )
