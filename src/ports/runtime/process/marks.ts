import { createHash } from 'node:crypto'
import { realpath } from 'node:fs/promises'

const DIGITS = 12

/**
 * Answers how the processes of an instance are marked in their environment: with its key, and with the folder they are
 * known in, so that a server on a copy of that folder does not take them for its own.
 */
export async function marksIn(folder: string): Promise<(key: string) => string> {
  const path = await realpath(folder)
  const place = createHash('sha256').update(path).digest('hex').slice(0, DIGITS)
  return (key) => `${key}@${place}`
}
