import type { Platform } from '../context.ts'
import { Rounds } from '../kit/rounds.ts'

/** How often what is late is looked for. */
const EVERY_MS = 1_000

/** One of the things that are done again and again. */
interface Sweep {
  readonly name: string
  /** Not in every round. */
  readonly everyRounds: number
  readonly run: () => Promise<unknown>
}

/** Does things again and again, one round at a time, for as long as it runs. Any number of servers may. */
export function engine(
  platform: Pick<Platform, 'log'>,
  sweeps: readonly Sweep[],
): () => Promise<void> {
  const failed = (err: unknown, sweep?: string): void =>
    platform.log.warn({ err, sweep }, 'a round over the jobs failed; trying again')
  let done = 0
  const rounds = new Rounds(async () => {
    for (const { name, everyRounds, run } of sweeps)
      if (done % everyRounds === 0) await run().catch((err: unknown) => failed(err, name))
    done += 1
  }, failed).every(EVERY_MS)
  return () => rounds.close()
}
