// @ts-check
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Journal } from './journal.js'
import { PipeReader } from './reader.js'
import { endAll, membersOf, signalEach, signalGroup } from '../../../../kit/processes/reap.js'

/** How long after the end of a program its pipes are read where something that cannot be reached holds them. */
const READ_ON_MS = 2_000
const LOOK_MS = 20
const LONGEST_LOOK_MS = 200

/**
 * @typedef {{ readonly code: number | null, readonly signal: NodeJS.Signals | null }} Exit
 * @typedef {import('../../../../kit/processes/reap.js').Owner} Owner
 *
 * What a program runs among: the owners of all that live, and who is told of trouble.
 * @typedef {{ readonly owners: () => Iterable<Owner>, readonly warn: (message: string) => void }} Surroundings
 */

/** One program that runs, until nothing of it is left and all that it printed is in its journal. */
export class Program {
  #owner
  #leader
  #surroundings
  #journal
  #readers
  /** When all is killed that does not end by itself; infinite until somebody wants it to end. */
  #endBy = Infinity
  #isOver = false
  /** @type {NodeJS.Timeout | undefined} */
  #timer
  /** @type {Promise<unknown>} */
  #read

  /** Its exit; resolves when none of its processes is left and its pipes are read. @type {Promise<Exit>} */
  exited
  /** Resolves when the last byte is in the journal. @type {Promise<void>} */
  ended

  /**
   * @param {import('node:child_process').ChildProcess} child
   * @param {{ readonly pid: number, readonly start: number }} leader @param {Owner} owner
   * @param {{ readonly stdout: number, readonly stderr: number }} pipes @param {string} folder
   * @param {Surroundings} surroundings
   */
  constructor(child, leader, owner, pipes, folder, surroundings) {
    this.#owner = owner
    this.#leader = leader.pid
    this.leader = leader
    this.#surroundings = surroundings
    this.#journal = new Journal(folder, {
      onRoom: () => this.#readers.forEach((reader) => reader.goOn()),
      onTrouble: (cause) =>
        surroundings.warn(`Output cannot be written and waits: ${String(cause)}`),
    })
    this.#readers = [
      new PipeReader(pipes.stdout, 'STDOUT', this.#journal),
      new PipeReader(pipes.stderr, 'STDERR', this.#journal),
    ]
    this.#read = Promise.all(this.#readers.map(({ ended }) => ended))
    this.exited = this.#toEnd(child)
    this.ended = this.exited.then(() => this.#written())
  }

  get owner() {
    return this.#owner
  }

  /** Whether its processes have ended, or are killed now. */
  get isOver() {
    return this.#isOver
  }

  /**
   * Asks it to end, and ends it after the grace; the shortest of several graces counts. What is seen of it first is
   * known when its parent has ended.
   * @param {number} graceMs
   */
  async stop(graceMs) {
    const endBy = performance.now() + graceMs
    if (this.#isOver || endBy >= this.#endBy) return
    const isFirst = this.#endBy === Infinity
    this.#endBy = endBy
    if (isFirst) {
      const members = (await this.#members()) ?? []
      signalGroup(this.#leader, 'SIGTERM')
      signalEach(
        members.filter(({ group }) => group !== this.#leader),
        'SIGTERM',
      )
    }
    if (this.#isOver) return
    clearTimeout(this.#timer)
    const left = Math.max(0, this.#endBy - performance.now())
    this.#timer = setTimeout(() => void this.#endAll(), left)
  }

  /** Ends it now. */
  async kill() {
    if (this.#isOver) return
    this.#endBy = 0
    await this.#endAll()
  }

  /** Tells that all before this part of its journal has been read. @param {number} segment */
  released(segment) {
    this.#journal.released(segment)
  }

  /** @param {import('node:child_process').ChildProcess} child @returns {Promise<Exit>} */
  async #toEnd(child) {
    const [code, signal] = await once(child, 'exit')
    if (this.#endBy !== Infinity) await this.#othersGone()
    this.#isOver = true
    clearTimeout(this.#timer)
    if (!(await this.#endAll())) this.#surroundings.warn('Processes of an instance would not end.')
    for (const reader of this.#readers) reader.hurry()
    await this.#readOn()
    return { code, signal }
  }

  /** A shell that is asked to end does so before what it runs: the others have the rest of the grace. */
  async #othersGone() {
    for (let pause = LOOK_MS; ; pause = Math.min(pause * 2, LONGEST_LOOK_MS)) {
      const left = this.#endBy - performance.now()
      if (left <= 0 || !(await this.#members())?.length) return
      await delay(Math.min(pause, left))
    }
  }

  async #readOn() {
    const late = new AbortController()
    const { signal } = late
    await Promise.race([this.#read, delay(READ_ON_MS, undefined, { signal }).catch(() => {})])
    late.abort()
  }

  async #written() {
    // behind what a full disk has not taken there may be more
    while (!this.#journal.isWritten) await this.#readOn()
    for (const reader of this.#readers) reader.stop()
    await this.#read
    while (!this.#journal.isWritten) await delay(LONGEST_LOOK_MS)
    this.#journal.close()
  }

  /** Not the program alone: whatever traces it hides from us that it has ended. */
  #endAll() {
    return endAll(this.#owner, () => this.#others())
  }

  #members() {
    return membersOf(this.#owner, () => this.#others())
  }

  #others() {
    return [...this.#surroundings.owners()].filter((owner) => owner !== this.#owner)
  }
}
