import { type FSWatcher, watch } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { OutputBatch, OutputLine, OutputSource, Position } from '../runtime.ts'
import { hasRoom, type Room, takeLines } from './lines.ts'

/*
 * A process writes its output straight into two files; we follow them by offset. So nothing is lost when this server
 * is killed, and the process is never held up by a slow reader. A position is `<offset in stdout>.<offset in stderr>`,
 * both behind a line that was passed on.
 */

export const FILES = { STDOUT: 'stdout', STDERR: 'stderr' } as const

const BATCH_LINES = 500
const BATCH_BYTES = 1024 ** 2
const GATHER_MS = 25
const POLL_MS = 500
const READ_BYTES = 64 * 1024

/** Offsets in stdout and stderr. Throws for a text that no runtime of this kind has written. */
export function parsePosition(position: Position): { stdout: number; stderr: number } {
  if (position === '') return { stdout: 0, stderr: 0 }
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(position)
  if (!match) throw new Error(`Not a position in a process's output: ${JSON.stringify(position)}`)
  return { stdout: Number(match[1]), stderr: Number(match[2]) }
}

/**
 * The lines in `folder` from a position on. Reads on only when asked. Once `ended` has fired, it reads what is left,
 * a last line without end included, and returns; an abort makes it return at once.
 */
export async function* followOutput(
  folder: string,
  from: Position,
  ended: AbortSignal,
  signal: AbortSignal,
): AsyncGenerator<OutputBatch> {
  const start = parsePosition(from)
  const stdout = new FileLines(join(folder, FILES.STDOUT), 'STDOUT', start.stdout)
  const stderr = new FileLines(join(folder, FILES.STDERR), 'STDERR', start.stderr)
  const over = AbortSignal.any([ended, signal])
  let order = [stdout, stderr]
  const gather = async (lines: OutputLine[], room: Room, isLast: boolean): Promise<void> => {
    for (const file of order) await file.take(lines, room, isLast)
    order = order.toReversed() // so that a flood on one does not hide the other
  }
  try {
    while (!signal.aborted) {
      const lines: OutputLine[] = []
      const room = { lines: BATCH_LINES, bytes: BATCH_BYTES }
      const isLast = ended.aborted // read before the files are: what comes after it was not written before it
      await gather(lines, room, isLast)
      if (lines.length === 0 && isLast) return
      if (lines.length === 0) {
        await growth([stdout, stderr], over)
        continue
      }
      if (hasRoom(room) && !isLast) {
        await sleep(GATHER_MS, over).wait
        await gather(lines, room, false)
      }
      yield { lines, position: `${stdout.offset}.${stderr.offset}` }
    }
  } finally {
    await stdout.close()
    await stderr.close()
  }
}

/** One of the two files, read by offset. */
class FileLines {
  readonly path: string
  readonly #source: OutputSource
  /** Where the next line to pass on begins. */
  offset: number
  #file: FileHandle | undefined
  #unread: Buffer = Buffer.alloc(0)

  constructor(path: string, source: OutputSource, offset: number) {
    this.path = path
    this.#source = source
    this.offset = offset
  }

  async take(lines: OutputLine[], room: Room, isLast: boolean): Promise<void> {
    let isDry = false
    while (hasRoom(room)) {
      const taken = takeLines(this.#unread, isLast && isDry, room, this.#source, lines)
      this.offset += taken
      this.#unread = this.#unread.subarray(taken)
      if (taken > 0) continue
      if (isDry) return
      isDry = !(await this.#readOn())
    }
  }

  async #readOn(): Promise<boolean> {
    const file = await this.#opened()
    if (!file) return false
    const chunk = Buffer.allocUnsafe(READ_BYTES)
    const position = this.offset + this.#unread.length
    const { bytesRead } = await file.read(chunk, 0, READ_BYTES, position)
    if (bytesRead > 0) this.#unread = Buffer.concat([this.#unread, chunk.subarray(0, bytesRead)])
    return bytesRead > 0
  }

  async hasMore(): Promise<boolean> {
    const size = (await this.#file?.stat())?.size ?? 0
    return size > this.offset + this.#unread.length
  }

  /** Undefined where there is no such file: the server was killed before it made one. */
  async #opened(): Promise<FileHandle | undefined> {
    return (this.#file ??= await open(this.path, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    }))
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }
}

/**
 * Resolves when one of the files has grown or `over` fires. It watches only while there is nothing to read, so that a
 * flood of lines is no flood of events; the poll is the net below, for file systems without events.
 */
async function growth(files: readonly FileLines[], over: AbortSignal): Promise<void> {
  const watchers: FSWatcher[] = []
  const { wait, wake } = sleep(POLL_MS, over)
  try {
    for (const { path } of files) watchers.push(watch(path, wake).on('error', wake))
  } catch {
    // no watches left on this machine: the poll goes on alone
  }
  try {
    for (const file of files) if (await file.hasMore()) wake() // it grew before the watch began
    await wait
  } finally {
    wake()
    for (const watcher of watchers) watcher.close()
  }
}

/** A wait of `ms` that `over` or `wake` ends early; nothing stays behind on the long-lived signal. */
function sleep(ms: number, over: AbortSignal): { wait: Promise<void>; wake: () => void } {
  let settle: (() => void) | undefined
  const wait = new Promise<void>((resolve) => {
    settle = resolve
  })
  const wake = (): void => {
    clearTimeout(timer)
    over.removeEventListener('abort', wake)
    settle?.()
  }
  const timer = setTimeout(wake, ms)
  over.addEventListener('abort', wake)
  if (over.aborted) wake()
  return { wait, wake }
}
