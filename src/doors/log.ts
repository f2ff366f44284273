import { Readable } from 'node:stream'
import type { Platform } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { NotFound } from '../kit/errors.ts'
import type { Outgoing } from '../kit/http/call.ts'
import { isThere, JobId } from '../job-engine/index.ts'
import { logTypes, selectionIn } from '../logs/index.ts'
import { ServiceId } from '../services/index.ts'
import { LogFile } from '../streams/index.ts'

/**
 * The door for logs: lines of the log of a service or job as a file, read from the database page by page as they leave.
 * The selection is what was signed. Throws NotFound. A file that cannot be read to its end, because lines are removed
 * meanwhile, fails with LogChanged, which cuts the connection: whoever comes back for the rest is sent another file.
 */
export async function getLog(
  { database }: Platform,
  name: string,
  fileName: string,
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<Outgoing> {
  const stream = await owner(database, name)
  const selection = selectionIn(query)
  const file = await LogFile.open(database, stream, selection, signal)
  return {
    sizeBytes: file.sizeBytes,
    tag: file.tag,
    isChanged: file.isChanged,
    type: logTypes[selection.format],
    fileName,
    async read(range) {
      return Readable.from(file.read(range), { objectMode: false })
    },
  }
}

/** The UUID of the service or job whose log it is. Throws NotFound for one that is gone. */
async function owner(database: Platform['database'], name: string): Promise<string> {
  const serviceId = ServiceId.read(name)
  const jobId = JobId.read(name)
  const [row] = await database.query<{ id: string }>(
    serviceId === undefined
      ? Prisma.sql`SELECT id FROM "Job" AS j WHERE id = ${jobId ?? null}::uuid AND ${isThere('j')}`
      : Prisma.sql`SELECT id FROM "Service" WHERE id = ${serviceId}::uuid AND "deletedAt" IS NULL`,
  )
  if (row === undefined) throw new NotFound(serviceId === undefined ? 'job' : 'service', name)
  return row.id
}
