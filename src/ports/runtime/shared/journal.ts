import { type FSWatcher, watch } from 'node:fs'
import { access, type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { OutputBatch, OutputLine, Position } from '../runtime.ts'
import { type Header, HEADER_BYTES, parseHeader, segmentName } from './agent/frames.js'
import { hasRoom, type Room, takeLines, unfinishedLine } from './lines.ts'
import { sleep } from './sleep.ts'

const BATCH_LINES = 500
const BATCH_BYTES = 1024 ** 2
const GATHER_MS = 25
const POLL_MS = 500
const READ_BYTES = 128 * 1024

/** A place in a journal: in which file, at which frame, and how many bytes of that were passed on. */
interface Place {
  readonly segment: number
  readonly frame: number
  readonly taken: number
}

/** Throws for a text that no runtime of this kind has written. */
function parsePosition(position: Position): Place {
  if (position === '') return { segment: 1, frame: 0, taken: 0 }
  const match = /^(\d{1,9}):(\d{1,9}):(\d{1,9})$/.exec(position)
  if (!match) throw new Error(`Not a position in a process's output: ${JSON.stringify(position)}`)
  return { segment: Number(match[1]), frame: Number(match[2]), taken: Number(match[3]) }
}

/**
 * The lines of the journal in `folder` from a position on. Reads on only when asked. Once `ended` has fired nobody
 * writes it any more: it reads what is left and returns; an abort makes it return at once.
 */
export async function* followJournal(
  folder: string,
  from: Position,
  ended: AbortSignal,
  signal: AbortSignal,
): AsyncGenerator<OutputBatch> {
  const journal = new JournalReader(folder, parsePosition(from))
  const over = AbortSignal.any([ended, signal])
  try {
    while (!signal.aborted) {
      const lines: OutputLine[] = []
      const room = { lines: BATCH_LINES, bytes: BATCH_BYTES }
      const isLast = ended.aborted // read before the journal is: what comes after it was not written before it
      await journal.take(lines, room, isLast)
      if (lines.length === 0) {
        if (isLast) return
        await growth(folder, over, () => journal.readOn())
        continue
      }
      if (hasRoom(room) && !isLast) {
        await sleep(GATHER_MS, over).wait
        await journal.take(lines, room, false)
      }
      yield { lines, position: journal.position }
    }
  } finally {
    await journal.close()
  }
}

/** Removes what has been read, a file at a time; `freed` hears from which file on the journal is kept. */
export function releaseBehind(
  folder: string,
  freed: (segment: number) => void,
): (position: Position) => Promise<void> {
  let oldest = 1
  return async (position) => {
    const { segment } = parsePosition(position)
    if (segment <= oldest) return
    for (; oldest < segment; oldest++) await rm(join(folder, segmentName(oldest)), { force: true })
    freed(segment)
  }
}

class JournalReader {
  readonly #folder: string
  #segment: number
  /** Where in the file the frame begins whose bytes are first in `#unread`. */
  #frame: number
  /** How much of that frame was passed on. */
  #taken: number
  #unread: Buffer = Buffer.alloc(0)
  #file: FileHandle | undefined

  constructor(folder: string, { segment, frame, taken }: Place) {
    this.#folder = folder
    this.#segment = segment
    this.#frame = frame
    this.#taken = taken
  }

  get position(): Position {
    return `${this.#segment}:${this.#frame}:${this.#taken}`
  }

  /** Moves lines to `lines` until there are no more, or no room; of the last frame whatever there is when `isLast`. */
  async take(lines: OutputLine[], room: Room, isLast: boolean): Promise<void> {
    while (hasRoom(room)) {
      const header = parseHeader(this.#unread)
      const isWhole = header !== undefined && this.#unread.length >= HEADER_BYTES + header.length
      if (isWhole) this.#takeFrom(header, lines, room)
      else if (!(await this.readOn())) {
        // its writer was killed in the middle of it
        if (isLast && header !== undefined && header.kind !== 'UNFINISHED')
          this.#takeLines(header, this.#unread, lines, room)
        return
      }
    }
  }

  /** Reads more of the journal; false when there is no more now. */
  async readOn(): Promise<boolean> {
    // looked for first: a file is whole when the next one is there
    const hasNext = await exists(join(this.#folder, segmentName(this.#segment + 1)))
    if (await this.#readFile()) return true
    if (!hasNext) return false
    await this.close()
    this.#segment += 1
    this.#frame = 0
    this.#taken = 0
    this.#unread = Buffer.alloc(0)
    return true
  }

  async close(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
  }

  #takeFrom(header: Header, lines: OutputLine[], room: Room): void {
    const frame = this.#unread.subarray(0, HEADER_BYTES + header.length)
    this.#takeLines(header, frame, lines, room)
    if (HEADER_BYTES + this.#taken < frame.length) return // no more room
    this.#frame += frame.length
    this.#taken = 0
    this.#unread = this.#unread.subarray(frame.length)
  }

  #takeLines({ kind, source }: Header, frame: Buffer, lines: OutputLine[], room: Room): void {
    const bytes = frame.subarray(HEADER_BYTES + this.#taken)
    if (kind === 'UNFINISHED') {
      lines.push(unfinishedLine(bytes, source))
      room.lines--
      room.bytes -= bytes.length
      this.#taken += bytes.length
    } else this.#taken += takeLines(bytes, true, room, source, lines)
  }

  async #readFile(): Promise<boolean> {
    this.#file ??= await opened(join(this.#folder, segmentName(this.#segment)))
    if (this.#file === undefined) return false
    const chunk = Buffer.allocUnsafe(READ_BYTES)
    const position = this.#frame + this.#unread.length
    const { bytesRead } = await this.#file.read(chunk, 0, READ_BYTES, position)
    if (bytesRead > 0) this.#unread = Buffer.concat([this.#unread, chunk.subarray(0, bytesRead)])
    return bytesRead > 0
  }
}

/** Undefined where there is no such file yet. */
async function opened(path: string): Promise<FileHandle | undefined> {
  return open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/**
 * Resolves when the journal has grown or `over` fires. It watches only while there is nothing to read, so that a flood
 * of lines is no flood of events; the poll is the net below, for file systems without events.
 */
async function growth(
  folder: string,
  over: AbortSignal,
  hasGrown: () => Promise<boolean>,
): Promise<void> {
  const { wait, wake } = sleep(POLL_MS, over)
  let watcher: FSWatcher | undefined
  try {
    watcher = watch(folder, wake).on('error', wake)
  } catch {
    // no watches left on this machine, or no folder: the poll goes on alone
  }
  try {
    if (await hasGrown()) wake() // before the watch began
    await wait
  } finally {
    wake()
    watcher?.close()
  }
}
