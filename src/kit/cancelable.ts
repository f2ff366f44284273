/**
 * An async generator that can be ended while it waits. A plain one answers `return()` only after its current
 * await; here `return()` fires the signal first, so that what it waits for lets go.
 */
export function cancelable<T>(
  run: (signal: AbortSignal) => AsyncGenerator<T, void, undefined>,
): AsyncIterableIterator<T> {
  const controller = new AbortController()
  const generator = run(controller.signal)
  const end = async (): Promise<IteratorResult<T>> => {
    controller.abort()
    await generator.return()
    return { done: true, value: undefined }
  }
  return {
    next: () => generator.next(),
    return: end,
    throw: end,
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
