import { rm } from 'node:fs/promises'
import type { InstanceSpec, RunningInstance } from '../runtime.ts'
import type { Launched } from './agent.ts'
import { check } from './check.ts'
import { followJournal, releaseBehind } from '../shared/journal.ts'

/** A program that was launched, as the port shows it. */
export function runningInstance(
  launched: Launched,
  {
    key,
    user,
    folder,
    port,
    headers,
  }: Pick<RunningInstance, 'key' | 'headers'> &
    Pick<InstanceSpec, 'user'> & { folder: string; port: number },
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
    headers,
    exited,
    check: (signal) => check(port, user, signal),
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
