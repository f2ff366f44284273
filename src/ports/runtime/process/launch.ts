import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Exit, StartFailed } from '../runtime.ts'
import { parseStat } from './group.ts'
import { FILES } from './output.ts'

/*
 * A process leads a group of its own and does not outlive this server: descriptor 3 is a pipe from us that a watcher
 * in the group reads. When we end, however that happens, the pipe does, and the watcher kills the group. The program
 * takes the place of the shell (`exec`), so its id, exit code and signal are its own; the watcher is handed to init,
 * so that the program finds no child it has not made. Who the group belongs to is written down before the program
 * runs. A program that leaves the group (setsid) leaves our care.
 */
const WRAPPER = `
(
  trap '' HUP INT QUIT TERM USR1 USR2 ALRM PIPE
  (read -r _; kill -KILL 0) <&3 >/dev/null 2>&1 3<&- &
  echo "$!" >"$1/watcher"
)
exec 3<&-
stat=
[ -r "/proc/$$/stat" ] && read -r stat <"/proc/$$/stat"
printf '%s\\n%s\\n' "$$" "$stat" >"$1/pid"
shift
unset stat`

/** What a shell puts into the environment by itself. */
const SHELL_NAMES = ['PWD', 'OLDPWD', 'SHLVL']

export interface Launch {
  /** Folder of the instance: output, pid, home. */
  readonly folder: string
  readonly workingFolder: string
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

export interface Launched {
  readonly pid: number
  /** Ours is the other end of the watcher's pipe: the group lives while this is open. */
  readonly child: ChildProcess
  readonly exit: Promise<Exit>
}

/** Starts a program in its own group, writing into `stdout` and `stderr` of the folder. Throws StartFailed. */
export async function launch({
  folder,
  workingFolder,
  command,
  environment,
}: Launch): Promise<Launched> {
  const stdout = await open(join(folder, FILES.STDOUT), 'a')
  const stderr = await open(join(folder, FILES.STDERR), 'a')
  try {
    const names = SHELL_NAMES.filter((name) => !(name in environment))
    const script = `${WRAPPER} ${names.join(' ')}\nexec "$@"`
    const child = spawn('/bin/sh', ['-c', script, 'millrace', folder, ...command], {
      cwd: workingFolder,
      env: environment,
      detached: true,
      stdio: ['ignore', stdout.fd, stderr.fd, 'pipe'],
    })
    child.stdio[3]?.on('error', () => {}) // the watcher was killed: nothing to be told
    const exit = new Promise<Exit>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
    })
    await once(child, 'spawn')
    const { pid } = child
    if (pid === undefined) throw new Error('The process has no id.')
    return { pid, child, exit }
  } catch (cause) {
    throw new StartFailed(`The process could not be started: ${String(cause)}`, { cause })
  } finally {
    await stdout.close()
    await stderr.close()
  }
}

export interface Recorded {
  readonly pid: number
  readonly startTime: string | undefined
}

/** The group's leader as the wrapper wrote it down; undefined when it did not come to that. */
export async function recordedLeader(folder: string): Promise<Recorded | undefined> {
  const [first = '', stat = ''] = (await textOf(join(folder, 'pid'))).split('\n')
  const pid = Number.parseInt(first, 10)
  return pid > 1 ? { pid, startTime: parseStat(stat)?.startTime } : undefined
}

export async function recordedWatcher(folder: string): Promise<number | undefined> {
  const pid = Number.parseInt(await textOf(join(folder, 'watcher')), 10)
  return Number.isNaN(pid) ? undefined : pid
}

const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')
