import { faults, type Fault } from './kinds/index.ts'
import { round, type Plan, type Row } from './round.ts'
import type { Stage } from './stage.ts'

/** The faults that can be done here, of those wanted. */
export const possible = (stage: Stage, wanted: readonly Fault[] = faults): Fault[] =>
  wanted.filter(({ on, isPossible }) => on.includes(stage.kind) && isPossible?.(stage) !== false)

/** A fault of which nothing can be said but why. */
const nothing = {
  checked: 0,
  lost: 0,
  doubled: 0,
  reordered: 0,
  ended: 0,
  silenceSeconds: Infinity,
  recoverySeconds: Infinity,
  readyz: [],
}

/** Lets one thing fail and tells what came of it; `isOver`: the stage does not work any more. */
export async function once(
  stage: Stage,
  fault: Fault,
  plan: Plan,
): Promise<Row & { readonly isOver: boolean }> {
  const deaths = (): string[] =>
    stage.posts.flatMap(({ server: { death } }) =>
      death === undefined ? [] : [`a server died by itself: ${death}`],
    )
  try {
    const done = await round(stage, fault, plan)
    const row = { ...done, broken: [...done.broken, ...deaths()] }
    plan.say(
      `${row.fault}: ${row.checked} checked, ${row.lost} lost, ${row.doubled} doubled, ${row.reordered} reordered, ${row.ended} ended, silence ${row.silenceSeconds.toFixed(1)} s, recovery ${row.recoverySeconds.toFixed(1)} s, /readyz ${row.readyz.join(' ')}`,
    )
    for (const words of row.broken) plan.say(`    ${words}`)
    return { ...row, isOver: deaths().length > 0 }
  } catch (cause) {
    const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
    const broken = [why, ...deaths()]
    for (const words of broken) plan.say(`${fault.name}: ${words}`)
    return { ...nothing, fault: fault.name, kind: stage.kind, broken, isOver: true }
  }
}
