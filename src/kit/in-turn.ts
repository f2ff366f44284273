/** Does so many things at a time; the others wait in line. */
export function inTurn(atOnce: number): <T>(work: () => Promise<T>) => Promise<T> {
  const line: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running < atOnce) running += 1
    else await new Promise<void>((begin) => line.push(begin))
    try {
      return await work()
    } finally {
      const next = line.shift() // takes over this one's place
      if (next === undefined) running -= 1
      else next()
    }
  }
}
