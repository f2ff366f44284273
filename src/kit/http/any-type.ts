import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/**
 * Lets requests in whose content type is none: Fastify refuses such before a handler is asked, but clients send them,
 * and what a body is said to be is for whoever reads it. Answers how to put the type back, which is done before a handler
 * runs and takes an error handler that looks at it.
 */
export function ofAnyType(http: FastifyInstance): (request: FastifyRequest) => void {
  const types = new WeakMap<IncomingMessage, string>()
  const putBack = ({ raw }: FastifyRequest): void => {
    const type = types.get(raw)
    if (type !== undefined) raw.headers['content-type'] = type
  }
  http.addHook('onRequest', ({ raw }, _reply, done) => {
    const type = raw.headers['content-type']
    if (type !== undefined) {
      types.set(raw, type)
      raw.headers['content-type'] = 'application/octet-stream'
    }
    done()
  })
  http.addHook('preHandler', (request, _reply, done) => {
    putBack(request)
    done()
  })
  return putBack
}
