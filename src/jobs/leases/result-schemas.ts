import type { Lease } from '../../job-engine/index.ts'

/** Leases whose result schema a server remembers. */
const REMEMBERED = 10_000
/** The schema that the result of a lease must fit, of those that this server has given out: most come back to it. */
const schemas = new Map<string, string | null>()

/** Remembers what the results of leases that are given out must fit. */
export function rememberResultSchemas(leases: readonly Lease[]): void {
  for (const { id, fence, resultSchemaId } of leases) schemas.set(`${id} ${fence}`, resultSchemaId)
  for (const oldest of schemas.keys()) {
    if (schemas.size <= REMEMBERED) break
    schemas.delete(oldest)
  }
}

/** The schema that the result of a lease must fit; null where it must fit none, or this server has not given it out. */
export const resultSchemaOf = (jobId: string, fence: string): string | null =>
  schemas.get(`${jobId} ${fence}`) ?? null
