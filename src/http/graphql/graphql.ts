import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { YogaServerInstance } from 'graphql-yoga'
import type { Context, Site } from '../../context.ts'
import { wholeBody } from '../../kit/http/body.ts'
import { acceptable } from '../accept.ts'
import { whenClosed } from '../closed.ts'
import { asAnswer, httpError } from '../errors.ts'
import type { FastDoor } from './fast.ts'
import type { GraphiQl } from './graphiql.ts'
import { maskError } from '../../execution/mask.ts'
import { seenOf } from '../observe/seen.ts'
import { operationContext } from '../request.ts'
import { sentBody } from '../sent.ts'
import { comeBackIn, hasEnded, isEventSource, waitFor } from './sse.ts'
import { BODY } from '../../execution/json-texts.ts'

/** GraphQL over HTTP: queries and mutations, subscriptions over SSE, and GraphiQL for browsers. */
export function graphql(
  site: Site,
  yoga: YogaServerInstance<Context, object>,
  fast: FastDoor,
  eventStreams: Set<ServerResponse>,
  graphiQl: GraphiQl,
) {
  const hasPage = site.config.trustedDocuments === undefined
  return async (http: FastifyInstance): Promise<void> => {
    // what goes wrong before GraphQL begins is told in GraphQL's form too
    http.setErrorHandler((thrown, request, reply) => {
      const error = asAnswer(thrown, reply.raw)
      const { status, headers } = httpError(error, request.id)
      const shown = maskError(error, request.id, seenOf(site, request.raw).log)
      const seconds = waitFor(shown)
      if (seconds !== undefined && isEventSource(request.method, request.headers.accept)) {
        const away = comeBackIn(seconds)
        return reply.headers(away.headers).send(away.body)
      }
      return reply
        .code(status)
        .headers(headers)
        .send({ errors: [shown] })
    })
    http.route({
      method: ['PUT', 'DELETE', 'PATCH'],
      url: '/graphql',
      handler: async (request, reply) => {
        const ctx = await operationContext(site, request.raw) // who is refused learns no more
        whenClosed(reply.raw, () => ctx.operation.close())
        return otherMethod(request, reply)
      },
    })
    http.route({
      method: ['GET', 'POST', 'OPTIONS'],
      url: '/graphql',
      handler: async (request, reply) => {
        const ctx = await operationContext(site, request.raw)
        whenClosed(reply.raw, () => ctx.operation.close())
        if (hasEnded(ctx.lastEventId)) return reply.code(204).send()
        const accept = acceptable(request.headers.accept, request.method === 'GET' && hasPage)
        const whole = await wholeBody(request.body as Readable | undefined, site.config)
        const sent = request.method === 'POST' ? sentBody(request.headers, whole) : undefined
        const body = sent?.body ?? whole
        if (sent !== undefined) {
          const asked =
            request.headers.accept === accept ? request.headers : { ...request.headers, accept }
          const answer = await fast(asked, sent.body, ctx)
          if (answer !== undefined)
            return reply.code(answer.status).headers(answer.headers).send(answer.body)
        }
        ctx.cut = () => reply.raw.destroy()
        const headers = new Headers()
        for (const [name, value] of Object.entries(request.headers))
          if (value !== undefined) headers.set(name, String(value))
        if (accept !== undefined) headers.set('accept', accept)
        if (sent !== undefined) headers.set('content-type', sent.type)
        const response = await yoga.fetch(
          // neither the host nor the target of a request need be fit for a URL
          `http://localhost/graphql?${request.url.split(/\?(.*)/s)[1] ?? ''}`,
          {
            method: request.method,
            headers,
            ...(body === undefined ? {} : { body: new Uint8Array(body) }),
          },
          Object.assign(ctx, { [BODY]: body }),
        )
        for (const [name, value] of response.headers) reply.header(name, value)
        const type = response.headers.get('content-type')
        if (type?.startsWith('text/html')) reply.headers(graphiQl.headers())
        if (type?.startsWith('text/event-stream')) {
          // what it delivers needs more, and is ended by itself
          const lasting = { close: () => reply.raw.destroy(), needed: [] }
          const session = site.sessions.open(ctx.viewer, lasting)
          eventStreams.add(reply.raw)
          whenClosed(reply.raw, () => {
            eventStreams.delete(reply.raw)
            session.end()
          })
        }
        return reply.code(response.status).send(response.body)
      },
    })
  }
}

/**
 * GraphQL has no other methods but for the "single connection" mode of GraphQL over SSE, which begins with a PUT. Its
 * clients show of an answer the status and the reason phrase alone.
 */
function otherMethod({ method, headers }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const isSingle = method === 'PUT' || headers['x-graphql-event-stream-token'] !== undefined
  if (isSingle) reply.raw.statusMessage = 'No single connection mode here'
  const message = isSingle
    ? 'The server does not support PUT here, nor the single connection mode of GraphQL over SSE: use distinct connections, or WebSocket for many subscriptions over one.'
    : 'Send GraphQL requests by GET or POST.'
  return reply
    .code(405)
    .header('allow', 'GET, POST')
    .send({ errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] })
}
