import type { IncomingMessage } from 'node:http'
import type { Config } from '../config.ts'
import type { Incoming } from './incoming.ts'

/** The least that a body which is passed on brings in each UPLOAD_STALL_SECONDS, until all of it has come. */
const LEAST_BYTES = 1_024
/** How long the rest of a request that has its answer is let in, so that the caller can read that. */
const DRAIN_MS = 5_000

/**
 * Cuts the connection of a request whose body is passed on while it comes, when it brings too little. While nobody reads
 * what has come, the sender has to wait and is not at fault.
 */
export function keepPace(request: IncomingMessage, { uploadStallMs }: Config): void {
  const { socket } = request
  let seen = socket.bytesRead
  const timer = setInterval(() => {
    const came = socket.bytesRead - seen
    seen = socket.bytesRead
    if (request.complete) stop()
    else if (came < LEAST_BYTES && request.readableLength === 0 && !isWaiting(request))
      socket.destroy()
  }, uploadStallMs)
  const stop = (): void => clearInterval(timer)
  request.once('end', stop).once('close', stop)
}

/** Whether its sender waits to be asked for the body. */
const isWaiting = (request: IncomingMessage): boolean =>
  (request as Incoming).onFirstRead !== undefined // of a listener of ours

/** Cuts the connection of a request that was answered before all of it had come, when the rest takes too long. */
export function endRest(request: IncomingMessage, { bodyTimeoutMs }: Config): void {
  if (request.complete || request.socket.destroyed) return
  const cut = setTimeout(
    () => {
      if (!request.complete) request.socket.destroy()
    },
    Math.min(DRAIN_MS, bodyTimeoutMs),
  )
  request.socket.once('close', () => clearTimeout(cut))
}

/** How long the headers of a request may take to come, and how often that is looked at, for a server of Node's. */
export const headerLimits = ({ bodyTimeoutMs }: Config) => ({
  headersTimeout: Math.ceil(bodyTimeoutMs),
  connectionsCheckingInterval: Math.ceil(Math.max(100, Math.min(5_000, bodyTimeoutMs / 3))),
})
