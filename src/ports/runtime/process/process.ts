import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Agent, type AgentLog } from './agent.ts'
import { instanceKey } from './instance-key.ts'
import { runningInstance } from './instance.ts'
import { earlierAgentGone, endLeftovers } from './leftovers.ts'
import { marksIn } from './marks.ts'
import { freePort } from './port.ts'
import { foundInterpreters, type InterpreterOf, type Shims } from './program.ts'
import type { UserNumbers } from './user-numbers.ts'
import { Workplace } from './workplace.ts'
import {
  type InstanceSpec,
  type RunningInstance,
  type Runtime,
  StartFailed,
  UserTaken,
} from '../runtime.ts'

export interface ProcessRuntimeOptions {
  /** Folder of this runtime's own, used by one server at a time. */
  readonly dir: string
  /** Folder of what programs have while they run, used by this server alone too; `dir` unless told. */
  readonly place?: string | undefined
  /** Users that programs may run as; without them they run as the user of the server. */
  readonly numbers?: UserNumbers | undefined
  /** Python for handlers; unless told `.venv/bin/python` of this package where it is, else `python3`. */
  readonly python?: string | undefined
  /** What runs handlers, where that is known better. */
  readonly interpreterOf?: InterpreterOf | undefined
  readonly shims?: Shims | undefined
  readonly log: AgentLog
}

/**
 * Runs instances as processes of this machine, which an agent (agent/main.js) starts, and ends when they or the server
 * end, however that is. An instance's journal is in `<dir>/instances/<key>`; what it runs, and where, is the matter of
 * Workplace. `openProcessRuntime` says what is possible on this machine; this one does what it is told.
 */
export function processRuntime({
  dir,
  place = dir,
  numbers,
  python,
  interpreterOf = foundInterpreters(python),
  shims,
  log,
}: ProcessRuntimeOptions): Runtime {
  const root = resolve(dir)
  const instances = join(root, 'instances')
  const workplace = new Workplace({ root, place: resolve(place), interpreterOf, shims })
  const clearing = new Set<Promise<void>>()
  const running = new Map<string, RunningInstance>()
  const starting = new Map<string, Promise<unknown>>()
  const ports = new Set<number>()
  let agent: Agent | undefined
  let prepared: Promise<(key: string) => string> | undefined
  let isClosed = false

  /** Answers how processes are marked, when nobody but us uses the folder any more. */
  async function prepare(): Promise<(key: string) => string> {
    await mkdir(instances, { recursive: true })
    await earlierAgentGone(root)
    return marksIn(root)
  }

  /** The same, once. */
  async function marks(): Promise<(key: string) => string> {
    prepared ??= prepare()
    return prepared.catch((cause: unknown) => {
      prepared = undefined
      throw cause
    })
  }

  function clear(key: string): void {
    const cleared: Promise<void> = workplace
      .clear(key)
      .catch((cause: unknown) =>
        log.warn({ err: cause, key }, 'The folder of an instance could not be removed.'),
      )
      .finally(() => clearing.delete(cleared))
    clearing.add(cleared)
  }

  async function start(spec: InstanceSpec): Promise<RunningInstance> {
    const { key, user } = spec
    if (user !== undefined && !(await numbers?.take(user)))
      throw new UserTaken(`Somebody else on this machine has user ${user}.`)
    const { headers, ...told } = instanceKey(spec.program)
    const port = await freePort(ports)
    const folder = join(instances, key)
    const mark = (await marks())(key)
    await mkdir(folder) // fails for a key that was used before: its output would be mixed
    ports.add(port)
    try {
      const prepared = await workplace.prepare({ ...spec, port })
      const environment = { ...prepared.environment, ...told.environment }
      try {
        if (agent === undefined || agent.isGone) agent = new Agent(root, log)
        const launched = await agent.launch({ ...prepared, key, mark, folder, environment })
        const instance = runningInstance(launched, { key, user, folder, port, headers })
        running.set(key, instance)
        void instance.exited.then(() => {
          running.delete(key)
          ports.delete(port)
          clear(key)
        })
        return instance
      } catch (error) {
        clear(key)
        throw error
      }
    } catch (error) {
      ports.delete(port)
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }

  /** Whether no other server has this user by now. */
  const isOurs = async (user: number): Promise<boolean> =>
    numbers !== undefined && numbers.takeOver(user)

  /** Nobody waits for it, and it is tried again at the next start. */
  async function tidy(except: ReadonlySet<string>): Promise<void> {
    await workplace
      .tidy(except)
      .catch((cause: unknown) =>
        log.warn({ err: cause }, 'What earlier instances left could not be removed.'),
      )
  }

  return {
    facts: {
      users: undefined,
      unwalled: 'Programs run as the user of the server.',
      heedsSize: false,
      languages: [],
    },
    async start(spec) {
      if (isClosed) throw new StartFailed('The server is stopping and starts nothing more.')
      if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(spec.key) || starting.has(spec.key))
        throw new Error(`Not a key for a new process: ${JSON.stringify(spec.key)}`)
      const begun = start(spec)
      starting.set(spec.key, begun)
      return begun.finally(() => starting.delete(spec.key))
    },
    async leftovers() {
      const markOf = await marks()
      const except = new Set([...running.keys(), ...starting.keys()])
      const left = await endLeftovers(instances, { except, markOf, isOurs })
      if (starting.size === 0) await tidy(except)
      return left
    },
    async close() {
      isClosed = true
      await Promise.allSettled(starting.values())
      await Promise.all([...running.values()].map((instance) => instance.stop(0)))
      await agent?.close()
      await Promise.all(clearing)
    },
  }
}
