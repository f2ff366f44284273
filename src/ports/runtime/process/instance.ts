import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import type { RunningInstance } from '../runtime.ts'
import type { Launched } from './agent.ts'
import { followJournal, releaseBehind } from './journal.ts'

/** How long a check waits for the connection. */
const CHECK_MS = 5_000

/** A program that was launched, as the port shows it. */
export function runningInstance(
  launched: Launched,
  { key, folder, port }: { key: string; folder: string; port: number },
): RunningInstance {
  const { pid, exited, ended } = launched
  let hasExited = false
  void exited.then(() => {
    hasExited = true
  })

  return {
    key,
    pid,
    url: `http://127.0.0.1:${port}`,
    headers: {},
    exited,
    check: (signal) => accepts(port, signal),
    output: (from, signal) => followJournal(folder, from, ended, signal),
    release: releaseBehind(folder, (segment) => launched.released(segment)),
    async stop(graceMs) {
      if (!hasExited) launched.stop(graceMs)
      return exited
    },
    async discard() {
      if (!hasExited) throw new Error(`The process ${key} still runs.`)
      await rm(folder, { recursive: true, force: true })
    },
  }
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
