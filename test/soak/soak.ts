import { faults, type Fault } from './faults/index.ts'
import { round, type Plan, type Row } from './round.ts'
import type { Stage } from './stage.ts'

/** The faults that can be done here, of those wanted. */
export const possible = (stage: Stage, wanted: readonly Fault[] = faults): Fault[] =>
  wanted.filter(({ on, isPossible }) => on.includes(stage.kind) && isPossible?.(stage) !== false)

/** Lets these fail one after the other; a fault after which the stage does not work any more ends it. */
export async function soak(stage: Stage, wanted: readonly Fault[], plan: Plan): Promise<Row[]> {
  const rows: Row[] = []
  for (const fault of wanted) {
    const row = await round(stage, fault, plan)
    plan.say(
      `${row.fault}: ${row.checked} checked, ${row.lost} lost, ${row.doubled} doubled, ${row.reordered} reordered, ${row.ended} ended, silence ${row.silenceSeconds.toFixed(1)} s, recovery ${row.recoverySeconds.toFixed(1)} s, /readyz ${row.readyz.join(' ')}`,
    )
    for (const words of row.broken) plan.say(`    ${words}`)
    rows.push(row)
  }
  return rows
}
