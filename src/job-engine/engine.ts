import type { Platform } from '../context.ts'

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
  let running: Promise<unknown> | undefined
  let rounds = 0
  const round = async (): Promise<void> => {
    for (const { name, everyRounds, run } of sweeps) {
      if (rounds % everyRounds !== 0) continue
      await run().catch((err: unknown) =>
        platform.log.warn({ err, sweep: name }, 'a round over the jobs failed; trying again'),
      )
    }
    rounds += 1
  }
  const timer = setInterval(() => {
    running ??= round().finally(() => (running = undefined))
  }, EVERY_MS)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await running
  }
}
