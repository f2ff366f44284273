import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { text as whole } from 'node:stream/consumers'
import type { Platform } from '../context.ts'
import type { Operation } from '../kit/operation.ts'
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

/**
 * The text again; undefined when Storage has lost it. For an operation it is counted before it is read, and no longer
 * read when that is over.
 */
export async function valueOf(
  { storage }: Pick<Platform, 'storage'>,
  { text, key }: KeptValue,
  operation?: Operation,
): Promise<string | undefined> {
  if (key === null) return text ?? undefined
  operation?.check()
  const stored = await storage.get(key)
  if (stored === undefined) return undefined
  const { body, sizeBytes } = stored
  const why = operation?.grow(sizeBytes)
  if (why !== undefined) {
    body.destroy()
    throw why
  }
  const stop = operation?.whenOver(() => {
    if (!operation.isActing) body.destroy(operation.why)
  })
  try {
    return await whole(body)
  } finally {
    stop?.()
  }
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
