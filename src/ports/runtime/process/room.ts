import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Position } from '../runtime.ts'
import { FILES, parsePosition } from './output.ts'

const WORTH_BYTES = 16 * 1024 ** 2
const BLOCK_BYTES = 4096

/**
 * Gives room on disk back, 16 MiB at a time: the bytes before a position become a hole, offsets stay as they are. Needs
 * the program `fallocate` and a file system with holes (Linux: ext4, xfs, btrfs, tmpfs); elsewhere nothing happens, and
 * the room comes back with `discard()`.
 */
export function roomBehind(
  folder: string,
  log: { warn(facts: object, message: string): void },
): (position: Position) => Promise<void> {
  const freed = { stdout: 0, stderr: 0 }
  let isPossible = true
  async function punch(name: keyof typeof freed, offset: number): Promise<void> {
    const from = freed[name]
    if (!isPossible || offset - from < WORTH_BYTES) return
    const length = Math.floor((offset - from) / BLOCK_BYTES) * BLOCK_BYTES
    freed[name] = from + length
    const range = ['--offset', String(from), '--length', String(length)]
    try {
      await promisify(execFile)('fallocate', ['--punch-hole', ...range, join(folder, name)])
    } catch (cause) {
      isPossible = false
      log.warn({ err: cause }, 'Room on disk of stored output cannot be given back early here.')
    }
  }
  return async (position) => {
    const { stdout, stderr } = parsePosition(position)
    await punch(FILES.STDOUT, stdout)
    await punch(FILES.STDERR, stderr)
  }
}
