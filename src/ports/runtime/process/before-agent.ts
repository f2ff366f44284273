/*
 * For what is left in a data folder of 0.1.0 as it was before the agent. A program wrote straight into two files of its
 * folder, `stdout` and `stderr`, a position was `<offset in stdout>.<offset in stderr>`, and who led the program's group
 * was written down in `pid`. A watcher in the group ended it with the server.
 */
import { access, type FileHandle, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { OutputBatch, OutputLine, OutputSource, Position } from '../runtime.ts'
import { inEnvironment, parseStat, processes } from '../../../kit/processes/processes.js'
import { endAll, Owner } from '../../../kit/processes/reap.js'
import { PROGRAM, writtenDown } from '../shared/agent/records.js'
import { hasRoom, type Room, takeLines } from '../shared/lines.ts'

const READ_BYTES = 64 * 1024
const BATCH = { lines: 500, bytes: 1024 ** 2 }

export const isFromBefore = (folder: string): Promise<boolean> =>
  access(join(folder, 'stdout')).then(
    () => writtenDown(folder, PROGRAM) === undefined,
    () => false,
  )

/**
 * Ends the group of a folder when it is proved to be that: its leader started when was written down, or a member has the
 * folder as its HOME. Where there is no /proc to prove it by, its watcher ends it.
 */
export async function endGroupFromBefore(folder: string): Promise<void> {
  const [first = '', stat = ''] = (
    await readFile(join(folder, 'pid'), 'utf8').catch(() => '')
  ).split('\n')
  const leader = { pid: Number.parseInt(first, 10), start: parseStat(stat)?.start ?? 0 }
  const members = (processes() ?? []).filter(({ group }) => group === leader.pid)
  const isOurs = members.some(
    ({ pid, start }) =>
      (pid === leader.pid && start === leader.start) || inEnvironment(pid, 'HOME') === folder,
  )
  if (isOurs) await endAll(new Owner(undefined, undefined, leader), () => [])
}

/** What such a program had printed, from a position on. */
export async function* readFromBefore(
  folder: string,
  from: Position,
  signal: AbortSignal,
): AsyncGenerator<OutputBatch> {
  const [stdout, stderr] = filesAt(folder, from)
  try {
    while (!signal.aborted) {
      const lines: OutputLine[] = []
      const room = { ...BATCH }
      for (const file of [stdout, stderr]) await file.take(lines, room)
      if (lines.length === 0) return
      yield { lines, position: `${stdout.offset}.${stderr.offset}` }
    }
  } finally {
    await stdout.close()
    await stderr.close()
  }
}

function filesAt(folder: string, from: Position): [LinesOfFile, LinesOfFile] {
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(from === '' ? '0.0' : from)
  if (!match) throw new Error(`Not a position in a process's output: ${JSON.stringify(from)}`)
  return [
    new LinesOfFile(join(folder, 'stdout'), 'STDOUT', Number(match[1])),
    new LinesOfFile(join(folder, 'stderr'), 'STDERR', Number(match[2])),
  ]
}

class LinesOfFile {
  readonly #path: string
  readonly #source: OutputSource
  /** Where the next line begins. */
  offset: number
  #unread: Buffer = Buffer.alloc(0)
  #file: FileHandle | undefined

  constructor(path: string, source: OutputSource, offset: number) {
    this.#path = path
    this.#source = source
    this.offset = offset
  }

  async take(lines: OutputLine[], room: Room): Promise<void> {
    for (let isDry = false; ;) {
      const taken = takeLines(this.#unread, isDry, room, this.#source, lines)
      this.offset += taken
      this.#unread = this.#unread.subarray(taken)
      if (taken > 0) continue
      if (isDry || !hasRoom(room)) return
      isDry = !(await this.#readOn())
    }
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }

  async #readOn(): Promise<boolean> {
    this.#file ??= await open(this.#path, 'r')
    const chunk = Buffer.allocUnsafe(READ_BYTES)
    const position = this.offset + this.#unread.length
    const { bytesRead } = await this.#file.read(chunk, 0, READ_BYTES, position)
    if (bytesRead > 0) this.#unread = Buffer.concat([this.#unread, chunk.subarray(0, bytesRead)])
    return bytesRead > 0
  }
}
