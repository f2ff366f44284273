import { randomUUID } from 'node:crypto'
import { openSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PipePool } from '../kit/processes/pipe-pool.js'
import { closePipe, type Pipe } from '../kit/processes/pipes.js'

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

/**
 * Undefined where there can be none, and what Node.js makes must do: without `mkfifo`, or a temporary folder to write
 * to; and outside of Linux, where /dev/stderr is whatever descriptor 2 is.
 */
export async function openStdio(input: string, pool: PipePool): Promise<Stdio | undefined> {
  if (process.platform !== 'linux') return undefined
  const pipes = await pool.take().catch(() => undefined)
  if (pipes === undefined) return undefined
  try {
    return { input: await fileOf(input), ...pipes }
  } catch {
    closePipe(pipes.stdout)
    closePipe(pipes.stderr)
    return undefined
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
