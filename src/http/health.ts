import { statfs } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import type { Platform } from '../context.ts'
import { Prisma } from '../generated/prisma/client.ts'

/** Whether the server is up for work: not before it has started, and no longer once it is told to stop. */
export interface Health {
  phase: 'starting' | 'ready' | 'stopping'
}

/** How long a write may take. */
const LIMIT_MS = 2_000
/** How long its outcome is good for: whoever asks more often does not make the server write more often. */
const KEPT_MS = 1_000

/** `/healthz`: the process lives. `/readyz`: it can serve, which needs a database and a storage that take writes. */
export function health(platform: Platform, state: Health) {
  const trouble = remembered(() => troubleOf(platform))
  return async (http: FastifyInstance): Promise<void> => {
    http.get('/healthz', (_request, reply) => reply.send({ status: 'ok' }))
    http.get('/readyz', async (_request, reply) => {
      const status = state.phase === 'ready' ? await trouble() : state.phase
      if (status === undefined) return reply.send({ status: 'ok' })
      return reply.code(503).header('retry-after', '2').send({ status })
    })
  }
}

/** Why nothing can be done now, or undefined. */
async function troubleOf(platform: Platform): Promise<string | undefined> {
  const { config, database, storage, server } = platform
  const row = Prisma.sql`UPDATE "Server" SET "seenAt" = now() WHERE id = ${server.id}::uuid`
  const [isWritten, isStored] = await Promise.all([
    inTime(database.query(row)),
    inTime(storage.probe()),
  ])
  if (database.kind === 'embedded' && (await isFull(config.dataDir)))
    return 'the disk of DATA_DIR is full'
  if (!isWritten) return 'the database does not answer, or takes no writes'
  return isStored ? undefined : 'the storage takes no writes'
}

/** What PostgreSQL needs for one more file of its log, which the next write may begin. */
const ROOM = 16 * 1024 * 1024

async function isFull(folder: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize <= ROOM
}

function inTime(work: Promise<unknown>): Promise<boolean> {
  const late = new Promise<boolean>((resolve) => {
    setTimeout(resolve, LIMIT_MS, false).unref()
  })
  const done = work.then(
    () => true,
    () => false,
  )
  return Promise.race([done, late])
}

/** What a look finds, for all who ask while it is under way and for a moment after. */
function remembered<T>(look: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined
  return () => {
    if (found !== undefined) return found
    const forget = (): void => {
      setTimeout(() => (found = undefined), KEPT_MS).unref()
    }
    found = look().finally(forget)
    return found
  }
}
