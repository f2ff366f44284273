import type { WebSocket } from 'ws'
import type { Session } from '../auth/sessions.ts'
import { callerKey, type Context, type Site } from '../context.ts'
import { Forbidden, Unauthenticated } from '../kit/errors.ts'

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

/** What each WebSocket was opened with. */
export function socketSessions(site: Site): {
  open(socket: WebSocket, ctx: Context): void
  /** Whether an operation is asked for by whoever opened the socket, who may be good for less by now. */
  isSame(socket: WebSocket, ctx: Context): boolean
} {
  const opened = new WeakMap<WebSocket, { session: Session; caller: string }>()
  return {
    open(socket, ctx) {
      const session = site.sessions.open(ctx.viewer, () => forbid(socket))
      opened.set(socket, { session, caller: callerKey(ctx) })
      socket.once('close', () => session.end())
    },
    isSame(socket, ctx) {
      const known = opened.get(socket)
      known?.session.saw(ctx.viewer)
      return known?.caller === callerKey(ctx)
    },
  }
}
