import type { Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ServerOptions } from 'graphql-ws'
import { GraphQLError, type DocumentNode } from 'graphql'
import { useServer, type Extra } from 'graphql-ws/use/ws'
import type { YogaServerInstance } from 'graphql-yoga'
import { WebSocketServer } from 'ws'
import type { Context, Site } from '../context.ts'
import { schema } from '../schema.ts'
import { Unauthenticated } from '../kit/errors.ts'
import { execute, subscribe } from './run.ts'
import { refusal } from './guard.ts'
import { contextOf } from './request.ts'

/** Larger frames than this are refused (RFC 6455, close code 1009). */
const MAX_FRAME_BYTES = 1_048_576

type Parameters = { authorization?: unknown; Authorization?: unknown }

/**
 * GraphQL over WebSocket (graphql-transport-ws). The credential comes in the header of the upgrade or, for
 * browsers, in `connectionParams.authorization`. A message is sent only when the one before has left the process,
 * so a reader that stalls stops its own subscription and nothing else.
 */
export function websockets(
  site: Site,
  yoga: YogaServerInstance<Context, object>,
  server: Server,
): { close(): Promise<void> } {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES })
  const options: ServerOptions<Parameters, Extra> = {
    execute: (args) => execute(args),
    subscribe: (args) => subscribe(args),
    async onConnect({ extra, connectionParams }) {
      const given = connectionParams?.authorization ?? connectionParams?.Authorization
      if (typeof given === 'string') extra.request.headers.authorization = given
      try {
        await site.authenticator.viewer(extra.request.headers.authorization)
        return true
      } catch (cause) {
        if (cause instanceof Unauthenticated) return false // closes with 4403 Forbidden
        throw cause
      }
    },
    async onSubscribe({ extra }, _id, { operationName, query, variables }) {
      const context = await contextOf(site, extra.request)
      const { parse, validate, contextFactory } = yoga.getEnveloped(context)
      try {
        const document: DocumentNode = parse(query)
        const errors: readonly GraphQLError[] = validate(schema, document)
        if (errors.length > 0) return errors
        const contextValue = await contextFactory()
        return { schema, operationName, document, variableValues: variables, contextValue }
      } catch (cause) {
        // a syntax error is the answer to this operation; the others on the socket go on
        if (cause instanceof GraphQLError) return [cause]
        throw cause
      }
    },
  }
  const served = useServer(options, sockets)
  const upgrade = (
    request: import('node:http').IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): void => {
    const why =
      new URL(request.url ?? '', 'http://localhost').pathname === '/graphql'
        ? refusal(site.config, request.headers)
        : 'WebSockets are served at /graphql.'
    if (why === undefined)
      return sockets.handleUpgrade(request, socket, head, (opened) =>
        sockets.emit('connection', opened, request),
      )
    socket.end(
      `HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n${why}\n`,
    )
  }
  server.on('upgrade', upgrade)
  return {
    async close() {
      server.off('upgrade', upgrade)
      // "going away": clients reconnect, to the server that comes after this one, and resume
      for (const socket of sockets.clients) socket.close(1001, 'Going away')
      await served.dispose()
    },
  }
}
