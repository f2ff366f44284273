import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ServerOptions, SubscribePayload } from 'graphql-ws'
import {
  getOperationAST,
  GraphQLError,
  OperationTypeNode,
  parse,
  type DocumentNode,
  type ExecutionResult,
} from 'graphql'
import { useServer, type Extra } from 'graphql-ws/use/ws'
import type { YogaServerInstance } from 'graphql-yoga'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Context, Site } from '../../context.ts'
import { outlookOf } from '../../kit/outlook.ts'
import { schema } from '../../schema.ts'
import { Unauthenticated } from '../../kit/errors.ts'
import { executeAt, subscribeAt } from '../../execution/operations.ts'
import { seenOf } from '../observe/seen.ts'
import { pageAt, refusal } from '../guard.ts'
import { maskError } from '../../execution/mask.ts'
import { contextOf, operationContext } from '../request.ts'
import { socketAnswers } from './socket-answers.ts'
import { socketPlaces } from './socket-places.ts'
import { forbid, isRefused, socketSessions, type Deliveries } from './socket-sessions.ts'
import { originForm } from '../target.ts'
import { assertMeant } from '../../execution/meant.ts'
import { cameIn } from '../../execution/json-texts.ts'
import { nameIn, textOf, type KnownDocuments } from '../../execution/known-documents.ts'
import type { TakeUpgrade } from '../upgrades.ts'

/** Larger frames than this are refused (RFC 6455, close code 1009). */
const MAX_FRAME_BYTES = 1_048_576
/** How long whoever is turned away may take to hang up. */
const GOODBYE_MS = 1_000

type Parameters = { authorization?: unknown; Authorization?: unknown }

/**
 * GraphQL over WebSocket (graphql-transport-ws). The credential comes in the header of the upgrade or, for
 * browsers, in `connectionParams.authorization`. A message is sent only when the one before has left the process,
 * so a reader that stalls stops its own subscription and nothing else.
 */
export function websockets(
  site: Site,
  yoga: YogaServerInstance<Context, object>,
  known: KnownDocuments,
): {
  /** Opens a socket where a request is for one of these. */
  readonly take: TakeUpgrade
  close(): Promise<void>
} {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES })
  const places = socketPlaces(site)
  const sessions = socketSessions(site)
  const answers = socketAnswers()
  site.metrics.gauge('millrace_websockets', () => sockets.clients.size)
  const execute = executeAt('websocket')
  const subscribe = subscribeAt('websocket')
  /** What each socket said last. */
  const frames = new WeakMap<WebSocket, Buffer>()
  const options: ServerOptions<Parameters, Extra> = {
    execute: async (args) => spoken(await execute(args)),
    async subscribe(args) {
      const outcome = await subscribe(args)
      return 'errors' in outcome ? spoken(outcome) : outcome
    },
    onNext: ({ extra }, id, _payload, { contextValue }) =>
      answers.sending(extra.socket, id, contextValue as Context), // as onSubscribe makes one
    onComplete: ({ extra }, id) => answers.sent(extra.socket, id),
    onOperation({ extra }, _id, _payload, { document, operationName }, result) {
      if (isStream(result)) return sessions.watched(extra.socket, result)
      const { errors = [] } = result as ExecutionResult // as `execute` and `subscribe` above answer
      if (errors.some(isPassing) && isSubscription(document, operationName)) tryLater(extra.socket)
      return undefined
    },
    async onConnect({ extra, connectionParams }) {
      const given = connectionParams?.authorization ?? connectionParams?.Authorization
      if (typeof given === 'string') extra.request.headers.authorization = given
      try {
        const ctx = await contextOf(site, extra.request)
        if (!places.settle(extra, ctx.viewer)) return false
        sessions.open(extra.socket, ctx)
        return true
      } catch (cause) {
        if (isRefused(cause)) return false // closes with 4403 Forbidden
        const { id, log } = seenOf(site, extra.request)
        if (!isPassing(maskError(cause, id, log))) throw cause
        tryLater(extra.socket)
        return false
      }
    },
    async onSubscribe({ extra }, _id, { operationName, query, variables, extensions }) {
      const frame = frames.get(extra.socket)
      cameIn(variables, () => String(frame ?? ''), ['payload', 'variables'])
      const named = operationName || undefined // an empty name is none
      let of: Pick<Context, 'requestId' | 'log'> | undefined
      try {
        const context = await operationContext(site, extra.request)
        of = context
        if (!sessions.isSame(extra.socket, context))
          throw new Unauthenticated('The credential of this socket is good no longer.')
        const enveloped = yoga.getEnveloped(context)
        const name = nameIn({ query, extensions })
        const text = name === undefined ? query : textOf(known, name)
        const document: DocumentNode = enveloped.parse(text)
        assertMeant(document, named)
        const errors: readonly GraphQLError[] = enveloped.validate(schema, document)
        if (errors.length > 0) return errors.map(withoutHttp)
        const contextValue = await enveloped.contextFactory()
        return {
          schema,
          operationName: named,
          document,
          variableValues: variables,
          contextValue,
        }
      } catch (cause) {
        if (isRefused(cause)) forbid(extra.socket)
        const seen = seenOf(site, extra.request)
        const error = maskError(cause, of?.requestId ?? seen.id, of?.log ?? seen.log)
        if (isPassing(error) && asksToFollow(known, { query, operationName: named, extensions }))
          tryLater(extra.socket)
        // what is wrong with one operation is its answer; the others on the socket go on
        return [withoutHttp(error)]
      }
    },
  }
  // before the listener of graphql-ws, which calls onSubscribe in the same turn
  sockets.on('connection', (socket) =>
    socket.on('message', (data: Buffer) => frames.set(socket, data)),
  )
  const served = useServer(options, sockets)
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const why = refusal(site.config, request)
    if (why !== undefined) return turnAway(socket, '403 Forbidden', why)
    const place = places.wait(request)
    if (typeof place === 'string') return turnAway(socket, '429 Too Many Requests', place)
    socket.once('close', place)
    sockets.handleUpgrade(request, socket, head, (opened) =>
      sockets.emit('connection', opened, request),
    )
  }
  return {
    take(request, socket, head) {
      // not every text that comes is a URL
      const isOurs =
        originForm(request).split('?')[0] === '/graphql' &&
        pageAt(site.config, request) === undefined
      if (isOurs) upgrade(request, socket, head)
      return isOurs
    },
    async close() {
      // "going away": clients reconnect, to the server that comes after this one, and resume
      for (const socket of sockets.clients) socket.close(1001, 'Going away')
      await served.dispose()
    },
  }
}

const isStream = (result: object): result is Deliveries => Symbol.asyncIterator in result

/** Whether waiting cures it. */
const isPassing = ({ extensions: { code } }: GraphQLError): boolean => outlookOf(code) === 'passes'

/** Whether an operation is a subscription, which an error would end. */
const isSubscription = (document: DocumentNode, name: string | null | undefined): boolean =>
  getOperationAST(document, name)?.operation === OperationTypeNode.SUBSCRIPTION

/** The same of one that nobody has looked at yet. */
function asksToFollow(
  known: KnownDocuments,
  { query, operationName, extensions }: SubscribePayload,
): boolean {
  try {
    const name = nameIn({ query, extensions })
    return isSubscription(parse(name === undefined ? query : textOf(known, name)), operationName)
  } catch {
    return false // what is no document is told of when there is somebody to look at it
  }
}

/** Sends a client away that is to come back, with all its subscriptions: code 1013 (RFC 6455, IANA's registry). */
const tryLater = (socket: WebSocket): void => socket.close(1013, 'Try again later')

/** Answers an upgrade that is refused. */
function turnAway(socket: Duplex, status: string, why: string): void {
  socket.on('error', () => {}) // whoever is turned away may be gone already
  setTimeout(() => socket.destroy(), GOODBYE_MS).unref()
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: text/plain\r\nretry-after: 3\r\nconnection: close\r\n\r\n${why}\n`,
  )
}

/** The result without what is meant for an answer over HTTP. */
const spoken = (result: ExecutionResult): ExecutionResult =>
  result.errors === undefined ? result : { ...result, errors: result.errors.map(withoutHttp) }

function withoutHttp(error: GraphQLError): GraphQLError {
  if (!('http' in error.extensions)) return error
  const { nodes, source, positions, path, extensions } = error
  const { http: _http, ...said } = extensions
  return new GraphQLError(error.message, { nodes, source, positions, path, extensions: said })
}
