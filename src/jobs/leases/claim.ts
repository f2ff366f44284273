import { LRUCache } from 'lru-cache'
import { isAllowed, type Viewer } from '../../auth/viewer.ts'
import { waitedFor, type Context } from '../../context.ts'
import type { Service } from '../../generated/prisma/client.ts'
import { Unavailable, ValidationError } from '../../kit/errors.ts'
import { queueFor, ServiceId } from '../../services/index.ts'
import {
  claimOnce,
  isPlain,
  noteWorker,
  type JobRow,
  type Lease,
  type MoreColumns,
} from '../../job-engine/index.ts'
import { rememberResultSchemas } from './result-schemas.ts'
import { fitting } from './fitting.ts'
import { workerActor } from './holder.ts'

interface ClaimInput {
  readonly serviceIds: readonly string[]
  readonly worker: string
  readonly claimId: string
  readonly version?: string | null
  readonly concurrency?: number | null
  readonly max?: number | null
  readonly leaseSeconds?: number | null
  readonly waitSeconds?: number | null
}

/** What leases must bring along. */
export interface ClaimedFields {
  readonly columns: MoreColumns
  /** Whether the queue may be given with the job as it was some time ago, because of it only what never changes is read. */
  readonly isQueueKnown: boolean
  /** How often the parameters of each job are asked for. */
  readonly parametersTimes: number
}

/** A lease, and the queue of its job where that may be given along. */
type Taken = Lease & Pick<JobRow, 'queue'>

/** Takes jobs for a worker, waiting for some as long as the caller is there. */
export async function claimJobs(
  ctx: Context,
  input: ClaimInput,
  { columns, isQueueKnown, parametersTimes }: ClaimedFields,
  allowIn: (viewer: Viewer, organizationId: string) => void,
): Promise<Taken[]> {
  if (ctx.waiting.isClosed) throw goingAway()
  const { worker, claimId, version, concurrency } = input
  const claimFrom = async (from: From): Promise<Taken[]> => {
    const { organizationId, queues } = from
    allowIn(ctx.viewer, organizationId)
    await noteWorker(ctx, {
      organizationId,
      name: worker,
      serviceIds: queues.map(({ id }) => id),
      claims: { version, concurrency },
    })
    const granted = await claimOnce(ctx, {
      ...from,
      worker,
      claimId,
      actor: workerActor(ctx, worker),
      max: input.max ?? 1,
      leaseSeconds: input.leaseSeconds ?? null,
      more: columns,
    })
    note(input.serviceIds, from, granted.length > 0)
    const leases = await fitting(ctx, worker, granted, parametersTimes)
    rememberResultSchemas(leases)
    if (!isQueueKnown) return leases
    const byId = new Map(queues.map((queue) => [queue.id, queue]))
    return leases.map((lease) => Object.assign(lease, { queue: byId.get(lease.serviceId) }))
  }
  const busyOne = busyQueue(ctx, input.serviceIds)
  const atOnce = busyOne === undefined ? [] : await claimFrom(busyOne)
  if (atOnce.length > 0) return atOnce
  const from = await queuesFor(ctx, input.serviceIds)
  const deadline = performance.now() + (input.waitSeconds ?? 0) * 1000
  const leases = await claimFrom(from)
  if (leases.length > 0 || !input.waitSeconds) return leases
  const gone = new AbortController()
  const stop = ctx.operation.whenOver(() => gone.abort())
  const listening = ctx.waiting.listen(from.queues.map(({ id }) => id))
  try {
    for (;;) {
      // listening first, looking second: what comes in between is found
      const taken = gone.signal.aborted
        ? []
        : await claimFrom(await queuesFor(ctx, input.serviceIds))
      if (taken.length > 0) return taken
      const leftMs = deadline - performance.now()
      if (leftMs <= 0 || gone.signal.aborted || ctx.waiting.isClosed) return []
      await waitedFor(ctx, listening.woken(leftMs, gone.signal))
      if (gone.signal.aborted) listening.passOn()
    }
  } finally {
    listening.leave()
    stop()
  }
}

/** Where jobs are taken from: queues of one organization. */
interface From {
  readonly organizationId: string
  readonly queues: readonly Service[]
}

/** Queues that a server remembers as busy. */
const REMEMBERED = 1_000
/**
 * Single queues, by their ids, that had a job for the last claim and have no lanes and no limit. The next claim goes
 * to them without a look at the service: the statement sees for itself whether they are still so, and when it finds
 * no job the claim begins anew with that look.
 */
const busy = new LRUCache<string, From>({ max: REMEMBERED })

function busyQueue({ viewer }: Context, [id, ...others]: readonly string[]): From | undefined {
  const from = id === undefined || others.length > 0 ? undefined : busy.get(id)
  return from && isAllowed(viewer, 'WORKER', from.organizationId) ? from : undefined
}

/** Notes whether queues had jobs for a claim. */
function note(names: readonly string[], from: From, hadJobs: boolean): void {
  const [id, ...others] = names
  const [queue] = from.queues
  if (id === undefined || others.length > 0 || queue === undefined) return
  busy.delete(id)
  // an address is another service for another caller
  if (!hadJobs || !isPlain(queue) || ServiceId.read(id) === undefined) return
  busy.set(id, { organizationId: from.organizationId, queues: [queue] })
}

/** The queues that a claim names, each once and in one order. */
async function queuesFor(ctx: Context, names: readonly string[]): Promise<From> {
  const services = await Promise.all(names.map((id) => queueFor(ctx, id)))
  const [first] = services
  if (first === undefined || services.some((one) => one.organizationId !== first.organizationId))
    throw new ValidationError([
      { path: ['serviceIds'], message: 'Name services of one organization.', rule: 'organization' },
    ])
  const byId = new Map(services.map((service) => [service.id, service]))
  const queues = [...byId.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return { organizationId: first.organizationId, queues }
}

const goingAway = (): Unavailable =>
  new Unavailable('SERVER_STOPPING', 'This server is going away: claim from another.', 1)
