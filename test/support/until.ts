/**
 * Waits until `fact` holds: tests wait for what is true, never for a time. The limit only ends a test that would
 * never end.
 */
export async function until(
  fact: () => boolean | Promise<boolean>,
  { timeoutMs = 15_000 }: { timeoutMs?: number } = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await fact())) {
    if (performance.now() > deadline)
      throw new Error(`Not true after ${timeoutMs} ms: ${fact.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
