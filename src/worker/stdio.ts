import { randomUUID } from 'node:crypto'
import { openSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closePipe, makePipes, type Pipe } from '../kit/pipes.js'

/** `mkfifo` takes longer than many a job: it makes the pipes of so many programs with each call. */
const PROGRAMS_AT_ONCE = 8

/**
 * What a program gets as its standard input, output and error, each of which it can open again (`cat /dev/stdin`,
 * `> /dev/stderr`): a file without a name, and two pipes. The input is no pipe because a FIFO whose writer is gone does
 * not open a second time.
 */
export interface Stdio {
  readonly input: number
  readonly stdout: Pipe
  readonly stderr: Pipe
}

export class StdioMaker {
  readonly #spare: Pipe[][] = []
  #making: Promise<void> | undefined

  /**
   * Undefined where they cannot be made, and Node.js' own must do: without `mkfifo`, or a temporary folder to write to;
   * and outside of Linux, where /dev/stderr is whatever descriptor 2 is.
   */
  async make(input: string): Promise<Stdio | undefined> {
    if (process.platform !== 'linux') return undefined
    const [stdout, stderr] = (await this.#pipes()) ?? []
    if (stdout === undefined || stderr === undefined) return undefined
    try {
      return { input: await fileOf(input), stdout, stderr }
    } catch {
      closePipe(stdout)
      closePipe(stderr)
      return undefined
    }
  }

  async #pipes(): Promise<Pipe[] | undefined> {
    while (this.#spare.length === 0) {
      this.#making ??= this.#fill().finally(() => (this.#making = undefined))
      try {
        await this.#making
      } catch {
        return undefined
      }
    }
    return this.#spare.pop()
  }

  async #fill(): Promise<void> {
    const pipes = await makePipes(Array<'out'>(2 * PROGRAMS_AT_ONCE).fill('out'))
    while (pipes.length > 0) this.#spare.push(pipes.splice(-2))
  }
}

/** A descriptor from which a text can be read. */
async function fileOf(text: string): Promise<number> {
  const path = join(tmpdir(), `millrace-${randomUUID()}`)
  try {
    await writeFile(path, text, { flag: 'wx', mode: 0o600 })
    return openSync(path, 'r')
  } finally {
    await rm(path, { force: true })
  }
}
