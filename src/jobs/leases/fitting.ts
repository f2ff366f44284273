import type { Context } from '../../context.ts'
import { release, valueOf, type Lease } from '../../job-engine/index.ts'
import { workerActor } from './holder.ts'

/** Parameters that need no counting, in characters. */
const SMALL = 65_536
/** What else leases may have, in characters. */
const REST = 1_048_576

/**
 * As many of the leases as one answer can hold with their parameters, in their order, and at least the first; the others
 * are given back. Parameters that are in Storage come along, so that nothing can fail to be answered that was leased.
 * `times` says how often the parameters of a job stand in the answer.
 */
export async function fitting(
  ctx: Context,
  worker: string,
  leases: Lease[],
  times: number,
): Promise<Lease[]> {
  const inRows = leases.reduce((sum, { parameters }) => sum + (parameters?.length ?? 0), 0)
  if (times === 0 || leases.length === 0) return leases
  if (inRows * times <= SMALL && leases.every(({ parametersKey }) => parametersKey === null))
    return leases
  const { operation } = ctx
  const room = operation.heldBytes + operation.room
  const kept: Lease[] = []
  let size = operation.heldBytes
  for (const lease of leases) {
    const more = times * (lease.parameters?.length ?? (await storedSize(ctx, lease)))
    if (kept.length > 0 && size + more > room) break
    size += more
    operation.permit(size + REST)
    kept.push(await withParameters(ctx, lease))
  }
  for (const { id, fence, organizationId } of leases.slice(kept.length))
    await release(ctx, {
      jobId: id,
      fence,
      organizationIds: [organizationId],
      actor: workerActor(ctx, worker),
    })
  return kept
}

async function storedSize({ storage }: Context, { parametersKey }: Lease): Promise<number> {
  if (parametersKey === null) return 0
  const stored = await storage.get(parametersKey)
  stored?.body.destroy()
  return stored?.sizeBytes ?? 0
}

async function withParameters(ctx: Context, lease: Lease): Promise<Lease> {
  if (lease.parametersKey === null) return lease
  const { parameters: text, parametersKey: key } = lease
  const parameters = (await valueOf(ctx, { text, key }, ctx.operation)) ?? null
  return { ...lease, parameters, parametersKey: null }
}
