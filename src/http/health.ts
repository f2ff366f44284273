import type { FastifyInstance } from 'fastify'
import type { Platform } from '../context.ts'

/** Whether the server is up for work: not before it has started, and no longer once it is told to stop. */
export interface Health {
  phase: 'starting' | 'ready' | 'stopping'
}

/** How long the database may take to say that it is there. */
const LIMIT_MS = 2_000

/** `/healthz`: the process lives. `/readyz`: it can serve. */
export function health({ database }: Platform, state: Health) {
  return async (http: FastifyInstance): Promise<void> => {
    http.get('/healthz', (_request, reply) => reply.send({ status: 'ok' }))
    http.get('/readyz', async (_request, reply) => {
      if (state.phase !== 'ready') return reply.code(503).send({ status: state.phase })
      const late = new Promise<'late'>((resolve) => {
        setTimeout(resolve, LIMIT_MS, 'late').unref()
      })
      const answer = database.pool.query('SELECT 1').then(
        () => 'ok',
        () => 'database does not answer',
      )
      const status = await Promise.race([answer, late])
      return reply.code(status === 'ok' ? 200 : 503).send({ status })
    })
  }
}
