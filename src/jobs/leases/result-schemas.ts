import { LRUCache } from 'lru-cache'
import type { Lease } from '../../job-engine/index.ts'

/** The schemas that the results of leases must fit, of those that this server has given out last: most come back to it. */
const schemas = new LRUCache<string, string>({ max: 10_000 })

/** Remembers what the results of leases that are given out must fit. */
export function rememberResultSchemas(leases: readonly Lease[]): void {
  for (const { id, fence, resultSchemaId } of leases)
    schemas.set(`${id} ${fence}`, resultSchemaId ?? undefined) // without one there is nothing to remember
}

/** The schema that the result of a lease must fit; null where it must fit none, or this server has not given it out. */
export const resultSchemaOf = (jobId: string, fence: string): string | null =>
  schemas.peek(`${jobId} ${fence}`) ?? null // a result comes once
