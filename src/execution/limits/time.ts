/** Stands for an answer that did not come in time. */
export const LATE = Symbol('late')

/** What `work` comes to, or LATE after so long, which is told before. What comes later is given to `late`. */
export async function within<T>(
  limitMs: number,
  work: Promise<T> | T,
  late: (value: T) => void,
  tooLate: () => void,
): Promise<T | typeof LATE> {
  if (!(work instanceof Promise)) return work
  return new Promise((resolve, reject) => {
    let isOver = false
    const timer = setTimeout(() => {
      isOver = true
      tooLate()
      resolve(LATE)
    }, limitMs)
    work.then(
      (value) => {
        clearTimeout(timer)
        if (isOver) late(value)
        else resolve(value)
      },
      (cause: unknown) => {
        clearTimeout(timer)
        reject(cause) // of no effect when it comes late
      },
    )
  })
}
