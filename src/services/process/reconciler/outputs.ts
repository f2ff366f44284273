import { setTimeout as pause } from 'node:timers/promises'
import type { Platform } from '../../../context.ts'
import { isOutage } from '../../../db/outage.ts'
import { inTurn } from '../../../kit/in-turn.ts'
import { patiently } from '../../../kit/patience.ts'
import type { Position, RunningInstance } from '../../../ports/runtime/runtime.ts'
import { pump, say, Superseded, type Printer, type KeptOutput } from './pump.ts'

/** What one process prints, on its way into the log. */
export interface Reading {
  /** Resolves when all of it is stored, or as much as ever will be. Never rejects. */
  readonly over: Promise<void>
  readonly isOver: boolean
}

/** Statements at a time for what ended processes have left to be stored. */
const AT_ONCE = { embedded: 1, server: 4 } as const
/** How long whoever goes on after the end of a process waits for what it printed. */
const MOMENT_MS = 2_000

/**
 * Stores what the processes of this server print, each to its end, however long after that of the process. Nobody
 * waits for it but the log itself: what a process prints, and what Millrace says about it, is stored behind the output
 * of those processes of the service that had ended before. Until then it stays where the runtime keeps it; what
 * Millrace says waits in memory, and is not said when this server is killed.
 */
export class Outputs {
  readonly #platform: Platform
  /** Of each service: resolves when nothing is left of what must be stored before anything new. */
  readonly #before = new Map<string, Promise<void>>()
  readonly #inTurn: ReturnType<typeof inTurn>
  readonly #leaving = new AbortController()

  constructor(platform: Platform) {
    this.#platform = platform
    this.#inTurn = inTurn(AT_ONCE[platform.database.kind])
  }

  /** Reads a process that has just been started. */
  read(printer: Printer, running: RunningInstance): Reading {
    const process = { hasEnded: false }
    const reading = this.#begin(printer, running, '', process)
    void running.exited.then(() => {
      process.hasEnded = true
      this.#put(printer.serviceId, reading.over)
    })
    return reading
  }

  /** Reads on what a process of an earlier run has left. */
  readOn(printer: Printer, leftover: KeptOutput, from: Position): void {
    const reading = this.#begin(printer, leftover, from, { hasEnded: true })
    this.#put(printer.serviceId, reading.over)
  }

  /** Says something in a service's log, now or as soon as the database is back. Never rejects. */
  say(serviceId: string, text: string, ordinal?: number): Promise<void> {
    const { log } = this.#platform
    const said = (async (before) => {
      await before
      const write = (): Promise<void> => say(this.#platform, serviceId, text, ordinal)
      await patiently(write, this.#leaving.signal, (cause) => {
        if (!isOutage(cause)) throw cause
        log.warn({ err: cause, serviceId }, 'could not write to the log of a service; trying again')
      })
    })(this.#before.get(serviceId)).catch((cause: unknown) =>
      log.error({ err: cause, serviceId, text }, 'could not write to the log of a service'),
    )
    this.#put(serviceId, said)
    return said
  }

  /** Whether the log of a service has all that its ended processes printed. */
  areStored(serviceId: string): boolean {
    return !this.#before.has(serviceId) && !this.#leaving.signal.aborted
  }

  /** Resolves when it may have: look again. Never once the rest is left. */
  async stored(serviceId: string): Promise<void> {
    if (this.#leaving.signal.aborted) return new Promise(() => {})
    await this.#before.get(serviceId)
  }

  /** Resolves when the logs of all services have, or the rest is left. */
  async allStored(): Promise<void> {
    await Promise.all(this.#before.values())
  }

  /** Stores no more: the rest is the next start's. */
  leave(): void {
    this.#leaving.abort()
  }

  #begin(
    printer: Printer,
    source: KeptOutput,
    from: Position,
    process: { readonly hasEnded: boolean },
  ): Reading {
    const reading = { over: Promise.resolve(), isOver: false }
    const before = this.#before.get(printer.serviceId)
    reading.over = this.#toEnd(printer, source, from, before, process)
      .catch((cause: unknown) =>
        this.#platform.log.error(
          { err: cause, ...printer },
          'the output of a process could not be stored to its end',
        ),
      )
      .finally(() => (reading.isOver = true))
    return reading
  }

  async #toEnd(
    printer: Printer,
    source: KeptOutput,
    from: Position,
    before: Promise<void> | undefined,
    process: { readonly hasEnded: boolean },
  ): Promise<void> {
    await before
    const { signal } = this.#leaving
    const pace = {
      signal,
      // what is late must not keep others from the database
      inTurn: <T>(work: () => Promise<T>) => (process.hasEnded ? this.#inTurn(work) : work()),
    }
    const { log } = this.#platform
    try {
      const read = (): Promise<void> => pump(this.#platform, printer, source, from, pace)
      await patiently(read, signal, (cause) => {
        if (!isOutage(cause)) throw cause
        log.warn({ err: cause, ...printer }, 'could not read what a process prints; trying again')
      })
    } catch (cause) {
      if (signal.aborted) return
      if (!(cause instanceof Superseded)) throw cause
      log.warn({ err: cause }, 'the output of a process belongs nowhere')
    }
    if (!signal.aborted) await source.discard()
  }

  /** From now on everything new of a service comes behind `work` as well. */
  #put(serviceId: string, work: Promise<void>): void {
    const all = Promise.all([this.#before.get(serviceId), work]).then(() => {
      if (this.#before.get(serviceId) === all) this.#before.delete(serviceId)
    })
    this.#before.set(serviceId, all)
  }
}

/** Waits for what is stored soon; what takes longer comes later than what waits. */
export async function shortly(work: Promise<void>): Promise<void> {
  const over = new AbortController()
  const moment = pause(MOMENT_MS, undefined, { signal: over.signal }).catch(() => {})
  await Promise.race([work, moment]).finally(() => over.abort())
}
