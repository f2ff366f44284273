import { join } from 'node:path'
import type { Program, ProgramSource } from '../runtime.ts'
import { copyTree } from './copy.ts'
import { environmentOf } from './environment.ts'
import { Homes } from './homes.ts'
import { commandOf, type InterpreterOf, ownShims, type Shims } from './program.ts'
import { type Sources, sourcesIn } from '../shared/sources.ts'

/** Code of a user that is to run. */
export interface Work {
  /** Unique among all that runs and has run. */
  readonly key: string
  readonly source: ProgramSource
  readonly program: Program
  /** Whose processes these are to be; undefined for the server's own user. */
  readonly user: number | undefined
  readonly environment: Readonly<Record<string, string>>
  readonly port: number
}

/** All that a process is started with. */
export interface ProcessStart {
  readonly workingFolder: string
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly user: number | undefined
}

export interface WorkplaceOptions {
  /** Folder of the server alone: sources are unpacked in it. */
  readonly root: string
  /** Folder of the server that the users of programs can pass through: what they work in. */
  readonly place: string
  readonly interpreterOf: InterpreterOf
  readonly shims?: Shims | undefined
}

/**
 * The way of all code of users, whoever runs it: services, and whatever else is to run code that was uploaded (builds,
 * notebooks, models, the agent in a container). A source is unpacked once, where only the server reaches it; each
 * program gets a fresh copy of it as its working folder, in a home that belongs to its user and is removed when the
 * program has ended; and what it is started with is said here and nowhere else. So no program can change what another
 * one runs, nor what was uploaded.
 */
export class Workplace {
  readonly #sources: Sources
  readonly #homes: Homes
  readonly #interpreterOf: InterpreterOf
  readonly #shims: Shims

  constructor({ root, place, interpreterOf, shims = ownShims }: WorkplaceOptions) {
    this.#sources = sourcesIn(root)
    this.#homes = new Homes(place)
    this.#interpreterOf = interpreterOf
    this.#shims = shims
  }

  /** Throws StartFailed; then nothing is left of it. Whoever runs what is answered calls `clear` when it has ended. */
  async prepare({ key, source, program, user, environment, port }: Work): Promise<ProcessStart> {
    const { folder, workingFolder } = await this.#sources.unpacked(source)
    const command = await commandOf(program, this.#interpreterOf, this.#shims)
    const home = await this.#homes.make(key, user, (home) =>
      copyTree(folder, join(home, 'source'), user),
    )
    return {
      workingFolder: join(home.folder, 'source', workingFolder),
      command,
      environment: environmentOf({ environment, program }, home, port),
      user,
    }
  }

  /** Removes what a program had. Its processes must have ended. */
  clear(key: string): Promise<void> {
    return this.#homes.remove(key)
  }

  /** Removes what is left of others than these. Only whoever is alone on the folders, and prepares nothing, may call this. */
  async tidy(except: ReadonlySet<string>): Promise<void> {
    await this.#homes.tidy(except)
    await this.#sources.tidy()
  }
}
