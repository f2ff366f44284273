/** A wait of `ms` that `over` or `wake` ends early; nothing stays behind on the long-lived signal. */
export function sleep(ms: number, over: AbortSignal): { wait: Promise<void>; wake: () => void } {
  let settle: (() => void) | undefined
  const wait = new Promise<void>((resolve) => {
    settle = resolve
  })
  const wake = (): void => {
    clearTimeout(timer)
    over.removeEventListener('abort', wake)
    settle?.()
  }
  const timer = setTimeout(wake, ms)
  over.addEventListener('abort', wake)
  if (over.aborted) wake()
  return { wait, wake }
}
