import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Agent, type Log } from './process/agent.ts'
import { commandOf } from './process/program.ts'
import { environmentOf } from './process/environment.ts'
import { instanceKey } from './process/instance-key.ts'
import { runningInstance } from './process/instance.ts'
import { earlierAgentGone, endLeftovers } from './process/leftovers.ts'
import { marksIn } from './process/marks.ts'
import { freePort } from './process/port.ts'
import { sourcesIn } from './process/sources.ts'
import { type InstanceSpec, type RunningInstance, type Runtime, StartFailed } from './runtime.ts'

export interface ProcessRuntimeOptions {
  /** Folder of this runtime's own, used by one server at a time. */
  readonly dir: string
  /** Interpreter for Python handlers; unless told `.venv/bin/python` of this package where it is, else `python3`. */
  readonly python?: string | undefined
  readonly log: Log
}

/**
 * Runs instances as processes of this machine, which an agent (agent/main.js) starts, and ends when they or the server
 * end, however that is. Source is in `<dir>/sources/<sha256>`, an instance's journal and home in
 * `<dir>/instances/<key>`. Programs share the unpacked source, and the machine: this runtime is no wall between them.
 */
export function processRuntime({ dir, python, log }: ProcessRuntimeOptions): Runtime {
  const root = resolve(dir)
  const instances = join(root, 'instances')
  const sources = sourcesIn(join(root, 'sources'))
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

  async function start(spec: InstanceSpec): Promise<RunningInstance> {
    const { key, user, program } = spec
    const { headers, ...told } = instanceKey(program)
    const workingFolder = await sources.workingFolder(spec.source)
    const command = await commandOf(program, python)
    const port = await freePort(ports)
    const folder = join(instances, key)
    const environment = { ...environmentOf(spec, folder, port), ...told.environment }
    const mark = (await marks())(key)
    await mkdir(folder) // fails for a key that was used before: its output would be mixed
    ports.add(port)
    try {
      await mkdir(join(folder, 'tmp'))
      if (agent === undefined || agent.isGone) agent = new Agent(root, log)
      const launch = { key, mark, folder, workingFolder, command, environment, user }
      const launched = await agent.launch(launch)
      const instance = runningInstance(launched, { key, user, folder, port, headers })
      running.set(key, instance)
      void instance.exited.then(() => {
        running.delete(key)
        ports.delete(port)
      })
      return instance
    } catch (error) {
      ports.delete(port)
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }

  return {
    facts: {
      users: undefined,
      unwalled: 'Programs run as the user of the server.',
      heedsSize: false,
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
      if (starting.size === 0) await sources.tidy()
      const except = new Set([...running.keys(), ...starting.keys()])
      return endLeftovers(instances, { except, markOf })
    },
    async close() {
      isClosed = true
      await Promise.allSettled(starting.values())
      await Promise.all([...running.values()].map((instance) => instance.stop(0)))
      await agent?.close()
    },
  }
}
