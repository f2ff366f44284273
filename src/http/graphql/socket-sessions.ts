import { GraphQLError } from 'graphql'
import type { WebSocket } from 'ws'
import { callerKey, type Context, type Site } from '../../context.ts'
import { Forbidden, Unauthenticated } from '../../kit/errors.ts'
import type { DeliveryResult } from '../../execution/deliveries.ts'

export type Deliveries = AsyncIterableIterator<DeliveryResult>

/** How long a socket that is closed for its credential may take to say goodbye. */
const GOODBYE_MS = 1_000

/** Whether a socket is refused for what it brings, or for whose page it is. */
export const isRefused = (cause: unknown): boolean =>
  cause instanceof Unauthenticated || cause instanceof Forbidden

/** Closes a socket whose credential is good no longer: 4403, which clients take as final. */
export function forbid(socket: WebSocket): void {
  socket.close(4403, 'Forbidden')
  setTimeout(() => socket.terminate(), GOODBYE_MS).unref()
}

/** What each WebSocket was opened with, and what goes on over it. */
export function socketSessions(site: Site): {
  open(socket: WebSocket, ctx: Context): void
  /** Whether an operation is asked for by whoever opened the socket, who may be good for less by now. */
  isSame(socket: WebSocket, ctx: Context): boolean
  /** The same deliveries. When they end for want of rights and nothing else goes on, the socket is closed too. */
  watched(socket: WebSocket, deliveries: Deliveries): Deliveries
} {
  const opened = new WeakMap<WebSocket, { credential: string; running: number }>()
  return {
    open(socket, ctx) {
      // a socket needs no right but to be somebody's
      const session = site.sessions.open(ctx.viewer, { close: () => forbid(socket), needed: [] })
      opened.set(socket, { credential: credentialKey(ctx), running: 0 })
      socket.once('close', () => session.end())
    },
    isSame: (socket, ctx) => opened.get(socket)?.credential === credentialKey(ctx),
    watched(socket, deliveries) {
      const state = opened.get(socket) ?? { credential: '', running: 0 }
      state.running += 1
      const ended = once(() => (state.running -= 1))
      const watching: Deliveries = {
        async next() {
          try {
            const step = await deliveries.next()
            if (step.done) ended()
            return step
          } catch (cause) {
            ended()
            // behind the error, which graphql-ws sends in this turn
            if (isForbidden(cause))
              setImmediate(() => {
                if (state.running === 0) forbid(socket)
              })
            throw cause
          }
        },
        return() {
          ended()
          return deliveries.return?.() ?? Promise.resolve({ done: true, value: undefined })
        },
        [Symbol.asyncIterator]: () => watching,
      }
      return watching
    },
  }
}

/** What a socket was opened with: another sign-in of the same person is another credential. */
const credentialKey = (ctx: Context): string =>
  ctx.viewer.kind === 'token' ? ctx.viewer.tokenId : callerKey(ctx)

const isForbidden = (cause: unknown): boolean =>
  cause instanceof GraphQLError && cause.extensions['code'] === 'FORBIDDEN'

function once(run: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) run()
    isDone = true
  }
}
