import type { WebSocket } from 'ws'
import type { Context } from '../../context.ts'

/** Large answers that are on their way to each socket, by the ids of their operations. */
export function socketAnswers(): {
  /** An answer is about to be sent. */
  sending(socket: WebSocket, id: string, ctx: Context): void
  /** All of an operation has gone out. */
  sent(socket: WebSocket, id: string): void
} {
  const sockets = new WeakMap<WebSocket, Map<string, Context['operation']>>()
  const open = (socket: WebSocket): Map<string, Context['operation']> => {
    const answers = new Map<string, Context['operation']>()
    sockets.set(socket, answers)
    socket.once('close', () => {
      for (const operation of answers.values()) operation.close()
      answers.clear()
    })
    return answers
  }
  return {
    sending(socket, id, { operation }) {
      if (!operation.isLarge) return
      if (socket.readyState !== socket.OPEN) return operation.close()
      const answers = sockets.get(socket) ?? open(socket)
      answers.set(id, operation)
    },
    sent(socket, id) {
      const answers = sockets.get(socket)
      answers?.get(id)?.close()
      answers?.delete(id)
    },
  }
}
