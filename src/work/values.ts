import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { text as whole } from 'node:stream/consumers'
import type { Platform } from '../context.ts'
import type { KeptValue } from './report.ts'

/** Values above this go to Storage: the table holds what is moved about. */
const MAX_BYTES = 256 * 1024
/** The largest that is kept at all. */
export const MAX_VALUE_BYTES = 64 * 1024 * 1024

/** Keeps a JSON text of a job: in its row, or in Storage under a key of its own. Throws TooLarge. */
export async function keepValue(
  { storage }: Pick<Platform, 'storage'>,
  key: string,
  text: string,
): Promise<KeptValue> {
  if (Buffer.byteLength(text) <= MAX_BYTES) return { text, key: null }
  await storage.put(key, Readable.from([Buffer.from(text)]), { maxBytes: MAX_VALUE_BYTES })
  return { text: null, key }
}

/** The text again; undefined when Storage has lost it. */
export async function valueOf(
  { storage }: Pick<Platform, 'storage'>,
  { text, key }: KeptValue,
): Promise<string | undefined> {
  if (key === null) return text ?? undefined
  const stored = await storage.get(key)
  return stored && whole(stored.body)
}

/** Lets go of a value that no job holds. What cannot be deleted takes room and does no other harm. */
export async function dropValue(
  { storage, log }: Pick<Platform, 'storage' | 'log'>,
  key: string | null,
): Promise<void> {
  if (key === null) return
  await storage
    .delete(key)
    .catch((err: unknown) => log.warn({ err, key }, 'could not delete a value that no job holds'))
}

/** Where values of a job go in Storage: each to a place of its own, so that none writes over one that was accepted. */
export const parametersKey = (jobId: string): string => `jobs/${jobId}/parameters.${randomUUID()}`
export const resultKey = (jobId: string): string => `jobs/${jobId}/result.${randomUUID()}`
