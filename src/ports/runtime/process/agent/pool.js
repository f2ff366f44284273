// @ts-check
import { givePipe, makePipes } from '../../../../kit/pipes.js'

/** @typedef {import('../../../../kit/pipes.js').Pipe} Pipe */

const AHEAD = 8

/** Pipes for standard output and error, some of them made ahead: to make one takes the start of another program. */
export class PipePool {
  /** @type {Pipe[]} */
  #pipes = []
  /** @type {Promise<void> | undefined} */
  #making

  /**
   * Two pipes that a user may open, or whoever we are. Throws where none can be made.
   * @param {number | undefined} user
   */
  async take(user) {
    for (;;) {
      if (this.#pipes.length <= AHEAD / 2) this.fill()
      if (this.#pipes.length >= 2) {
        const [stdout, stderr] = /** @type {[Pipe, Pipe]} */ (this.#pipes.splice(0, 2))
        if (user !== undefined) for (const pipe of [stdout, stderr]) givePipe(pipe, user, user)
        return { stdout, stderr }
      }
      await this.#making
    }
  }

  /** Makes some ahead. That it fails is told to whoever waits for one. */
  fill() {
    this.#making ??= this.#make()
    this.#making.catch(() => {})
  }

  async #make() {
    try {
      this.#pipes.push(...(await makePipes(Array(AHEAD).fill('out'))))
    } finally {
      this.#making = undefined
    }
  }
}
