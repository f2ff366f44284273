import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { commandOf } from './process/program.ts'
import { environmentOf } from './process/environment.ts'
import { type Log, runningInstance } from './process/instance.ts'
import { launch } from './process/launch.ts'
import { endLeftovers } from './process/leftovers.ts'
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
 * Runs instances as processes of this machine, each in a process group that ends with it, or with the server however
 * that ends. Source is in `<dir>/sources/<sha256>`, an instance's output and home in `<dir>/instances/<key>`.
 * Programs share the unpacked source, and the machine: this runtime is no wall between them.
 */
export function processRuntime({ dir, python, log }: ProcessRuntimeOptions): Runtime {
  const root = resolve(dir)
  const instances = join(root, 'instances')
  const sources = sourcesIn(join(root, 'sources'))
  const running = new Map<string, RunningInstance>()
  const starting = new Map<string, Promise<unknown>>()
  const ports = new Set<number>()
  let isClosed = false

  async function start(spec: InstanceSpec): Promise<RunningInstance> {
    const { key, program } = spec
    const workingFolder = await sources.workingFolder(spec.source)
    const command = await commandOf(program, python)
    const port = await freePort(ports)
    const folder = join(instances, key)
    const environment = environmentOf(spec, folder, port)
    await mkdir(instances, { recursive: true })
    await mkdir(folder) // fails for a key that was used before: its output would be mixed
    ports.add(port)
    try {
      await mkdir(join(folder, 'tmp'))
      const launched = await launch({ folder, workingFolder, command, environment })
      const instance = runningInstance(launched, { key, folder, port, log })
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
      if (starting.size === 0) await sources.tidy()
      return endLeftovers(instances, new Set([...running.keys(), ...starting.keys()]))
    },
    async close() {
      isClosed = true
      await Promise.allSettled(starting.values())
      await Promise.all([...running.values()].map((instance) => instance.stop(0)))
    },
  }
}
