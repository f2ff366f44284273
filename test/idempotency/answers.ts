/** An answer without `replayed`, which alone tells the first from those that repeat it. */
export function apart(outcomes: readonly object[]): { answers: string[]; firsts: number } {
  const firsts = outcomes.filter((outcome) => 'replayed' in outcome && outcome.replayed === false)
  const texts = outcomes.map((outcome) => JSON.stringify({ ...outcome, replayed: undefined }))
  return { answers: [...new Set(texts)], firsts: firsts.length }
}

/** So many calls at once. */
export const atOnce = <T>(count: number, call: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => call(n)))
