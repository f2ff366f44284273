const FIRST_MS = 5
const MOST_MS = 100

interface Options {
  readonly timeoutMs?: number
  /** How seldom it looks in the end. */
  readonly everyMs?: number
  /** What there is instead of the fact, for the error. */
  readonly told?: () => string
}

/**
 * Waits until `fact` holds: tests wait for what is true, never for a time. It looks at once, soon again, and ever less
 * often, so that what waits takes little from what is waited for. The limit only ends a test that would never end.
 */
export async function until(
  fact: () => boolean | Promise<boolean>,
  { timeoutMs = 60_000, everyMs = MOST_MS, told = () => '' }: Options = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (let waitMs = FIRST_MS; !(await fact()); waitMs = Math.min(waitMs * 1.5, everyMs)) {
    if (performance.now() > deadline)
      throw new Error(`Not true after ${timeoutMs} ms: ${fact.toString()}\n${told()}`)
    await new Promise((resolve) => setTimeout(resolve, waitMs))
  }
}
