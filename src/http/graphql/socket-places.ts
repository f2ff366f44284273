import type { IncomingMessage } from 'node:http'
import type { Extra } from 'graphql-ws/use/ws'
import { anonymous, type Viewer } from '../../auth/viewer.ts'
import { callerKey, type Site } from '../../context.ts'
import { QuotaReached } from '../../kit/errors.ts'
import { reached } from '../reached.ts'

/** Too many sockets of one caller. Clients of graphql-ws take it as final and do not try again. */
const TOO_MANY = 4429

/**
 * How many WebSockets there may be. One that has not said who it is counts against its address: past the limit the
 * upgrade is refused, which clients try again after a pause, and within seconds there is room. One that has counts
 * against its caller: past the limit it is closed for good, because only the caller can make room.
 */
export function socketPlaces(site: Site): {
  /** Takes a place to wait at; answers how to give it back, or why there is none. */
  wait(request: IncomingMessage): (() => void) | string
  /** Takes the caller's place instead. False when there is none: then the socket is closing. */
  settle(extra: Extra, viewer: Viewer): boolean
} {
  const waiting = new WeakMap<IncomingMessage, () => void>()
  const addressOf = (request: IncomingMessage): string => reached(site.config, request).address
  return {
    wait(request) {
      const caller = callerKey({ viewer: anonymous, address: addressOf(request) })
      try {
        const leave = site.quotas.takeWaitingSocket(caller)
        waiting.set(request, leave)
        return leave
      } catch (cause) {
        if (cause instanceof QuotaReached) return cause.message
        throw cause
      }
    },
    settle({ request, socket }, viewer) {
      waiting.get(request)?.()
      if (socket.readyState !== socket.OPEN) return false
      try {
        const caller = callerKey({ viewer, address: addressOf(request) })
        socket.once('close', site.quotas.takeSocket(caller))
        return true
      } catch (cause) {
        if (!(cause instanceof QuotaReached)) throw cause
        socket.close(TOO_MANY, 'Too many sockets')
        return false
      }
    },
  }
}
