import { type Language, StartFailed } from '../runtime.ts'
import type { AgentLog } from './agent.ts'
import { foundInterpreters, type InterpreterOf, pythons } from './program.ts'
import { type Trial, type Tried, whyNotRun } from './trial.ts'

/** What runs handlers here: looked up, then tried, and from then on what the trial found. */
export class Languages {
  readonly #python: string | undefined
  readonly #hidden: readonly string[]
  readonly #log: AgentLog
  #interpreterOf: InterpreterOf
  #all: readonly Language[]

  constructor({
    python,
    hidden,
    log,
  }: {
    readonly python: string | undefined
    readonly hidden: readonly string[]
    readonly log: AgentLog
  }) {
    this.#python = python
    this.#hidden = hidden
    this.#log = log
    this.#interpreterOf = foundInterpreters(python)
    this.#all = languages({ node: process.versions.node })
  }

  get all(): readonly Language[] {
    return this.#all
  }

  readonly interpreterOf: InterpreterOf = (language) => this.#interpreterOf(language)

  /** What is to be tried. */
  async trial(user: number | undefined, place: string): Promise<Trial> {
    return { user, place, pythons: await this.#candidates(), hidden: this.#hidden }
  }

  /** Takes note of what was tried, and warns of what is not as it was meant to be. */
  async found({ node, python, isNoexec, open }: Tried, user: number | undefined): Promise<void> {
    const candidates = await this.#candidates()
    const [first] = candidates
    const noNode = node === undefined ? `${await whyNotRun(process.execPath, user)}.` : undefined
    const noPython = python === undefined ? await this.#whyNoPython(user) : undefined
    this.#all = languages({ node, python: python?.version, noNode, noPython })
    this.#interpreterOf = async (language) => {
      const why = language === 'node' ? noNode : noPython
      if (why !== undefined) throw new StartFailed(why)
      return language === 'node' ? process.execPath : (python?.path ?? '')
    }
    for (const why of [noNode, noPython]) if (why !== undefined) this.#warn(why)
    if (python !== undefined && first !== undefined && python.path !== first)
      this.#warn(`${await whyNotRun(first, user)}. Python handlers run ${python.path} instead.`)
    if (isNoexec)
      this.#warn(
        'The folder of instances is mounted noexec: programs of an archive cannot be run by their path. Set RUNTIME_DIR to a folder elsewhere.',
      )
    for (const path of open)
      this.#warn(`Services can read ${path}: let only the user of the server read it.`)
  }

  async #whyNoPython(user: number | undefined): Promise<string> {
    try {
      const [first] = await pythons(this.#python)
      return `${await whyNotRun(first, user)}. Set PYTHON to an interpreter (3.8 or newer) that can be run.`
    } catch (cause) {
      if (cause instanceof StartFailed) return cause.message
      throw cause
    }
  }

  async #candidates(): Promise<readonly string[]> {
    try {
      return await pythons(this.#python)
    } catch (cause) {
      if (cause instanceof StartFailed) return []
      throw cause
    }
  }

  #warn(sentence: string): void {
    this.#log.warn({}, sentence)
  }
}

function languages({
  node,
  python,
  noNode,
  noPython,
}: {
  readonly node?: string | undefined
  readonly python?: string | undefined
  readonly noNode?: string | undefined
  readonly noPython?: string | undefined
}): Language[] {
  return [
    { kind: 'python', version: python, unavailable: noPython },
    { kind: 'node', version: node, unavailable: noNode },
    { kind: 'command', version: undefined, unavailable: undefined },
  ]
}
