// @ts-check
import { makePipes } from './pipes.js'

/** @typedef {import('./pipes.js').Pipe} Pipe */

const AHEAD = 8
/** Made at once where many wait. */
const MOST = 256

/** Pipes for standard output and error, some of them made ahead: to make one takes the start of another program. */
export class PipePool {
  /** @type {Pipe[]} */
  #pipes = []
  /** @type {Promise<void> | undefined} */
  #making
  #waiting = 0

  /** Two pipes of this process' user. Throws where none can be made. */
  async take() {
    for (;;) {
      if (this.#pipes.length <= AHEAD / 2) this.fill()
      const [stdout, stderr] = this.#pipes
      if (stdout !== undefined && stderr !== undefined) {
        this.#pipes.splice(0, 2)
        return { stdout, stderr }
      }
      this.#waiting += 1
      try {
        await this.#making
      } finally {
        this.#waiting -= 1
      }
    }
  }

  /** Makes some ahead. That it fails is told to whoever waits for one. */
  fill() {
    this.#making ??= this.#make()
    this.#making.catch(() => {})
  }

  async #make() {
    try {
      const count = Math.min(AHEAD + 2 * this.#waiting, MOST)
      this.#pipes.push(...(await makePipes(Array(count).fill('out'))))
    } finally {
      this.#making = undefined
    }
  }
}
