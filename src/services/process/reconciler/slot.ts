import type { RunningInstance } from '../../../ports/runtime/runtime.ts'
import type { Reading } from './outputs.ts'

/**
 * A place for one process of a service on this server. It is started, becomes ready, and when its process ends
 * unasked it waits a while and is started again; once asked to leave it only goes.
 *
 *   STARTING → READY ⇄ UNHEALTHY, any → WAITING → STARTING, any → LEAVING → gone
 */
export interface Slot {
  /** Of the instance: another one when it is started again before its output is stored. */
  id: string
  readonly ordinal: number
  readonly generation: number
  readonly versionId: string
  state: 'STARTING' | 'READY' | 'UNHEALTHY' | 'WAITING' | 'LEAVING'
  restarts: number
  /** Ends in a row that nobody asked for. */
  failures: number
  readyAt: number | undefined
  /** Why it was ended by us although nobody asked it to leave, and whether it may not be started again. */
  verdict: { readonly text: string; readonly isFinal: boolean } | undefined
  running: RunningInstance | undefined
  /** Of what its last process printed. */
  reading: Reading | undefined
  /** Set from leaving or launching until it is done, so that nothing is done twice. */
  busy: Promise<void> | undefined
  timer: NodeJS.Timeout | undefined
  /** Once it leaves: when the requests it still answers are given up. */
  leaveBy: number
}

export const newSlot = (
  id: string,
  ordinal: number,
  generation: number,
  versionId: string,
): Slot => ({
  id,
  ordinal,
  generation,
  versionId,
  state: 'STARTING',
  restarts: 0,
  failures: 0,
  readyAt: undefined,
  verdict: undefined,
  running: undefined,
  reading: undefined,
  busy: undefined,
  timer: undefined,
  leaveBy: Infinity,
})

/** What the supervisor does next with the slots it has. */
export interface SlotPlan {
  /** Ordinals to start in the wanted generation. */
  readonly start: readonly number[]
  readonly leave: readonly Slot[]
  /** All that is needed is ready, and nothing else serves. */
  readonly isReady: boolean
}

/**
 * The next steps towards `wanted` instances of `generation`, of which `needed` are enough to be called ready: new ones
 * are started one ahead of those that are ready, and an old one leaves for each new one that is, so that as many as
 * before serve at every moment.
 */
export function plan(
  slots: Iterable<Slot>,
  wanted: number,
  needed: number,
  generation: number,
): SlotPlan {
  const staying = [...slots].filter(({ state }) => state !== 'LEAVING')
  const old = staying.filter((slot) => slot.generation !== generation)
  const fresh = staying.filter((slot) => slot.generation === generation)
  const surplus = fresh.filter(({ ordinal }) => ordinal >= wanted)
  const kept = fresh.filter(({ ordinal }) => ordinal < wanted)
  const ready = kept.filter(({ state }) => state === 'READY').length
  const room = (old.length > 0 ? Math.min(wanted, ready + 1) : wanted) - kept.length
  const missing = Array.from({ length: wanted }, (_, ordinal) => ordinal).filter(
    (ordinal) => !kept.some((slot) => slot.ordinal === ordinal),
  )
  const served = (slot: Slot): number => (slot.state === 'READY' ? 1 : 0)
  const retiring = old.toSorted((a, b) => served(a) - served(b) || b.ordinal - a.ordinal)
  return {
    start: missing.slice(0, Math.max(0, room)),
    leave: [...surplus, ...retiring.slice(0, Math.max(0, old.length - (wanted - ready)))],
    isReady: ready >= needed && old.length === 0,
  }
}
