import { connect } from 'node:net'
import { AddressTaken } from '../runtime.ts'
import { listenerOf } from './listener.ts'

/** How long a check waits for the connection. */
const CHECK_MS = 5_000

/**
 * Whether a program of `user` (of the server's own or root where there is none) accepts connections on a port of this
 * machine. Where /proc does not tell whose program it is, any is taken for it. Throws AddressTaken.
 */
export async function check(
  port: number,
  user: number | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  if (!(await accepts(port, signal))) return false
  // too many open files, as for a connection: not seen this time
  const listener = await listenerOf(port).catch(() => 'nobody' as const)
  if (listener === 'unseen') return true
  if (listener === 'nobody') return false
  const ours = user === undefined ? [process.geteuid?.(), 0] : [user]
  if (ours.includes(listener)) return true
  throw new AddressTaken(
    `another user of the machine (number ${listener}) listens on its port ${port}`,
  )
}

function accepts(port: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    // a program that hangs stops accepting when its queue is full; then nobody is told
    const socket = connect({ port, host: '127.0.0.1', timeout: CHECK_MS })
    const answer = (accepted: boolean) => (): void => {
      signal.removeEventListener('abort', abandoned)
      socket.destroy()
      resolve(accepted)
    }
    const abandoned = answer(false)
    signal.addEventListener('abort', abandoned)
    socket.once('connect', answer(true))
    socket.once('error', abandoned)
    socket.once('timeout', abandoned)
  })
}
