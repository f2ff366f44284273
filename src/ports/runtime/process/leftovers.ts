import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Leftover } from '../runtime.ts'
import { endGroup, hasInEnvironment, membersOf } from './group.ts'
import { recordedLeader } from './launch.ts'
import { followOutput } from './output.ts'

/**
 * Ends what runs for the folders in `instances`, but for those in `except`, and resolves with them. A group is ended
 * only when it is proved to be ours: its leader started when our wrapper wrote down, or a member has the folder as its
 * HOME. Where there is no /proc to prove it by, the group's own watcher ends it and nobody is killed from here.
 */
export async function endLeftovers(
  instances: string,
  except: ReadonlySet<string>,
): Promise<readonly Leftover[]> {
  const keys = (await readdir(instances).catch(() => [])).filter((key) => !except.has(key))
  return Promise.all(
    keys.map(async (key) => {
      const folder = join(instances, key)
      await endGroupOf(folder)
      return {
        key,
        output: (from, signal) => followOutput(folder, from, AbortSignal.abort(), signal),
        discard: () => rm(folder, { recursive: true, force: true }),
      }
    }),
  )
}

async function endGroupOf(folder: string): Promise<void> {
  const leader = await recordedLeader(folder)
  if (!leader) return
  const members = await membersOf(leader.pid)
  if (members === undefined) await endGroup(leader.pid, 0)
  for (const { pid, startTime } of members ?? []) {
    const isLeader = pid === leader.pid && startTime === leader.startTime
    if (!isLeader && !(await hasInEnvironment(pid, `HOME=${folder}`))) continue
    await endGroup(leader.pid)
    return
  }
}
