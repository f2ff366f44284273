import type { Socket } from 'node:net'
import type { Config } from '../config.ts'

/** The least of an answer that is read in each UPLOAD_STALL_SECONDS, while some of it waits. */
const LEAST_BYTES = 1_024

/**
 * Cuts connections over which bytes wait to be written and hardly any leave, because nobody reads them: what is held
 * for them would be held for ever. One over which nothing is to be said is left alone. Answers how to stop.
 */
export function cutSlowReaders(
  connections: ReadonlySet<Socket>,
  { uploadStallMs }: Config,
): () => void {
  const waiting = new WeakMap<Socket, number>()
  const timer = setInterval(() => {
    for (const socket of connections) {
      const sent = sentOver(socket)
      const before = waiting.get(socket)
      if (socket.writableLength === 0) waiting.delete(socket)
      else if (before !== undefined && sent - before < LEAST_BYTES) socket.destroy()
      else waiting.set(socket, sent)
    }
  }, uploadStallMs)
  timer.unref()
  return () => clearInterval(timer)
}

/** What libuv has of a socket; Node's own timeouts look at it too, but the types leave it out. */
interface Handle {
  readonly bytesWritten: number
  readonly writeQueueSize: number
}

/** Bytes that have left this process: `bytesWritten` counts those that wait as well. */
function sentOver(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { readonly _handle?: Handle | null }
  return handle == null ? 0 : handle.bytesWritten - handle.writeQueueSize
}
