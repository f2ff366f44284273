import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningInstance } from '../runtime.ts'
import { endGroup, membersOf, signalGroup } from './group.ts'
import { type Launched, recordedWatcher } from './launch.ts'
import { followOutput } from './output.ts'
import { roomBehind } from './room.ts'

export interface Log {
  warn(facts: object, message: string): void
}

/** How long a check waits for the connection. */
const CHECK_MS = 5_000

/** A process that was launched, as the port shows it. It is over when nothing of its group is left. */
export function runningInstance(
  { pid, child, exit }: Launched,
  { key, folder, port, log }: { key: string; folder: string; port: number; log: Log },
): RunningInstance {
  const gone = new AbortController()
  const force = new AbortController()
  let isStopping = false

  const exited = exit.then(async (exit) => {
    if (isStopping) await othersGone(pid, folder, force.signal)
    if (!(await endGroup(pid))) log.warn({ key, pid }, 'A process group would not end.')
    child.stdio[3]?.destroy()
    gone.abort()
    return exit
  })

  return {
    key,
    pid,
    url: `http://127.0.0.1:${port}`,
    headers: {},
    exited,
    check: (signal) => accepts(port, signal),
    output: (from, signal) => followOutput(folder, from, gone.signal, signal),
    release: roomBehind(folder, log),
    async stop(graceMs) {
      if (gone.signal.aborted) return exited
      isStopping = true
      signalGroup(pid, 'SIGTERM')
      const timer = setTimeout(() => {
        force.abort()
        signalGroup(pid, 'SIGKILL')
      }, graceMs)
      return exited.finally(() => clearTimeout(timer))
    },
    async discard() {
      if (!gone.signal.aborted) throw new Error(`The process ${key} still runs.`)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/**
 * A shell that is told to stop ends before what it runs: the rest of the group has the grace too. Where there is no
 * /proc to see them by, they are not waited for.
 */
async function othersGone(group: number, folder: string, force: AbortSignal): Promise<void> {
  const watcher = await recordedWatcher(folder)
  while (!force.aborted) {
    const others = (await membersOf(group))?.filter((member) => member.pid !== watcher)
    if (!others?.length) return
    await delay(20)
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
