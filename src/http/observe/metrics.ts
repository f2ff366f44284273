import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { allowServerAdmin } from '../../auth/viewer.ts'
import type { Site } from '../../context.ts'
import { contextOf } from '../request.ts'

const OPENMETRICS = 'application/openmetrics-text'

/**
 * `GET /metrics`, for administrators of the server and for whoever has METRICS_TOKEN, which opens nothing else. In
 * Prometheus' text format, or in OpenMetrics' where that is asked for.
 */
export function metrics(site: Site) {
  return async (http: FastifyInstance): Promise<void> => {
    http.get('/metrics', async (request, reply) => {
      const { authorization, accept } = request.headers
      if (!isScraper(site.config.metricsToken, authorization))
        allowServerAdmin((await contextOf(site, request.raw)).viewer)
      const format = accept?.includes(OPENMETRICS) ? 'openmetrics' : 'prometheus'
      const { contentType, text } = await site.metrics.read(format)
      return reply.header('content-type', contentType).send(text)
    })
  }
}

/** Whether that is `Bearer <METRICS_TOKEN>`; how long the comparison takes tells nothing of the token. */
function isScraper(token: string | undefined, authorization: string | undefined): boolean {
  if (token === undefined) return false
  const given = /^bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1] ?? ''
  return timingSafeEqual(digest(given), digest(token))
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
