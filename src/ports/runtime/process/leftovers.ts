import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Leftover } from '../runtime.ts'
import { processOf } from '../../../kit/processes/processes.js'
import { endAll, Owner, signalGroup } from '../../../kit/processes/reap.js'
import { AGENT, PROGRAM, writtenDown } from '../shared/agent/records.js'
import { endGroupFromBefore, isFromBefore, readFromBefore } from './before-agent.ts'
import { followJournal } from '../shared/journal.ts'

/** How long the agent of a server that has gone may take to end what it runs and to write down what that printed. */
const AGENT_MS = 15_000

/**
 * Waits until the agent that an earlier server had for this folder is gone. It ends by itself; one that hangs is killed,
 * where /proc proves that it is that.
 */
export async function earlierAgentGone(folder: string): Promise<void> {
  const agent = writtenDown(folder, AGENT)
  if (agent === undefined) return
  const lives = (): boolean => processOf(agent.pid)?.start === agent.start
  for (const deadline = Date.now() + AGENT_MS; lives(); await delay(10))
    if (Date.now() > deadline) signalGroup(agent.pid, 'SIGKILL')
}

/**
 * Ends what runs for the folders in `instances`, but for those in `except`, and resolves with them. A program is known
 * by its start, its processes by their mark, and by their user where that is not another server's by now. Where there is no /proc to prove whose they are, nobody is
 * killed from here.
 */
export async function endLeftovers(
  instances: string,
  { except, ...by }: { readonly except: ReadonlySet<string> } & Known,
): Promise<readonly Leftover[]> {
  const keys = (await readdir(instances).catch(() => [])).filter((key) => !except.has(key))
  return Promise.all(keys.map((key) => endLeftover(key, join(instances, key), by)))
}

/** What processes are known by. */
interface Known {
  readonly markOf: (key: string) => string
  readonly isOurs: (user: number) => Promise<boolean>
}

async function endLeftover(
  key: string,
  folder: string,
  { markOf, isOurs }: Known,
): Promise<Leftover> {
  const discard = (): Promise<void> => rm(folder, { recursive: true, force: true })
  if (await isFromBefore(folder)) {
    await endGroupFromBefore(folder)
    return { key, output: (from, signal) => readFromBefore(folder, from, signal), discard }
  }
  const program = writtenDown(folder, PROGRAM)
  const isAlive = program !== undefined && processOf(program.pid)?.start === program.start
  const leader = isAlive ? program : undefined
  const user =
    program?.user !== undefined && (await isOurs(program.user)) ? program.user : undefined
  await endAll(new Owner(markOf(key), user, leader), () => [])
  return {
    key,
    output: (from, signal) => followJournal(folder, from, AbortSignal.abort(), signal),
    discard,
  }
}
