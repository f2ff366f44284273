import type { Subscribe, SubscribeRequest } from './subscription.ts'

/**
 * `subscribe` as an async iterator. The clients' own `iterate` would not do: what it has taken and nobody has asked
 * for yet must count as delivered, or a reconnect would bring it twice.
 */
export function iterate<Result>(subscribe: Subscribe<Result>) {
  return (
    request: SubscribeRequest,
    ...rest: readonly unknown[]
  ): AsyncIterableIterator<Result, undefined> => {
    const results: Result[] = []
    let isOver = false
    let failure: { error: unknown } | undefined
    let waiting: (() => void)[] = []
    const wake = (): void => {
      for (const resolve of waiting) resolve()
      waiting = []
    }
    const end = (error?: { error: unknown }): void => {
      if (!isOver) failure = error
      isOver = true
      wake()
    }
    const stop = subscribe(
      request,
      {
        next(result) {
          results.push(result)
          wake()
        },
        error: (error) => end({ error }),
        complete: () => end(),
      },
      ...rest,
    )
    return {
      async next() {
        for (;;) {
          const [result] = results.splice(0, 1)
          if (result !== undefined) return { done: false, value: result }
          if (isOver) {
            const failed = failure
            failure = undefined
            if (failed !== undefined) throw failed.error
            return { done: true, value: undefined }
          }
          await new Promise<void>((resolve) => waiting.push(resolve))
        }
      },
      async return() {
        results.length = 0
        end()
        stop()
        return { done: true, value: undefined }
      },
      async throw(error: unknown) {
        results.length = 0
        end()
        stop()
        throw error
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }
}
