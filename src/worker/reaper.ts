import { spawn, type ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Owner } from '../kit/processes/reap.js'
import type { Notice } from './reaper.worker.js'

const SCRIPT = fileURLToPath(new URL('./reaper.worker.js', import.meta.url))

/**
 * Sees to it that no program outlives this process, however that ends: by a process of its own (`reaper.worker.js`),
 * which is started with the first program.
 */
export class Reaper {
  readonly #owners = new Set<Owner>()
  #process: ChildProcess | undefined

  /** A program is about to be started, or was and has a `leader` now. */
  watch(owner: Owner): void {
    this.#owners.add(owner)
    if (this.#process === undefined) this.#start()
    else this.#tell(owner)
  }

  /** Nothing of a program is left. */
  forget(owner: Owner): void {
    this.#owners.delete(owner)
    this.#tell(owner, true)
  }

  #start(): void {
    const child = spawn(process.execPath, [SCRIPT], {
      detached: true, // what is sent to the worker's group does not reach it
      env: {},
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    this.#process = child
    const gone = (): void => {
      if (this.#process === child) this.#process = undefined // the next program starts another
    }
    child.once('error', gone).once('exit', gone)
    child.stdin.on('error', gone)
    child.unref() // it does not keep this process
    if (child.stdin instanceof Socket) child.stdin.unref()
    for (const owner of this.#owners) this.#tell(owner)
  }

  #tell({ mark = '', variable, leader }: Owner, isGone = false): void {
    const notice: Notice = { mark, variable, leader, isGone }
    this.#process?.stdin?.write(`${JSON.stringify(notice)}\n`)
  }
}
