/*
 * What is tried at random is decided by a seed, which is printed and which `SEED=…` repeats; and it is as much as
 * there is time for: the suite tries a small share with a fresh seed each time, `npm run soak` all of it.
 */

/** Whether everything is tried: set by `npm run soak`. */
export const isSoak: boolean = process.env['SOAK'] !== undefined

/** How much is tried: `share` in the suite, `whole` in a soak. */
export const amount = ({ share, whole }: { share: number; whole: number }): number =>
  isSoak ? whole : share

/** Of all that could be tried `share` by chance, in their order; in a soak all of them. */
export function someOf<One>(
  all: readonly One[],
  share: number,
  chance: () => number,
): readonly One[] {
  const some = [...all]
  if (!isSoak) while (some.length > share) some.splice(Math.floor(chance() * some.length), 1)
  return some
}

/** The seed of this run; it is printed, so that a failure can be repeated. */
export function freshSeed(): number {
  const given = process.env['SEED']
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given)
  if (given === '' || !Number.isSafeInteger(seed))
    throw new Error(`SEED must be a whole number, such as a run prints; it is '${given}'.`)
  console.log(`SEED=${seed}`)
  return seed
}

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
