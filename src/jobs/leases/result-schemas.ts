import type { Lease } from '../../job-engine/index.ts'

/** Leases whose contract a server remembers. */
const REMEMBERED = 10_000
/** The schema that the result of a lease must fit, of those that this server has given out: most come back to it. */
const contracts = new Map<string, string | null>()

/** Remembers what the results of leases that are given out must fit. */
export function remember(leases: readonly Lease[]): void {
  for (const { id, fence, resultSchemaId } of leases)
    contracts.set(`${id} ${fence}`, resultSchemaId)
  for (const oldest of contracts.keys()) {
    if (contracts.size <= REMEMBERED) break
    contracts.delete(oldest)
  }
}

/** The schema that the result of a lease must fit; null where it must fit none, or this server has not given it out. */
export const contractOf = (jobId: string, fence: string): string | null =>
  contracts.get(`${jobId} ${fence}`) ?? null
