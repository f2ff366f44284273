const FIRST_MS = 250
const LONGEST_MS = 5_000

/** How long to wait after so many tries in vain: longer and longer up to 5 s, and never the same for all clients. */
export const waitMs = (tries: number): number =>
  Math.min(FIRST_MS * 2 ** tries, LONGEST_MS) * (0.5 + Math.random() / 2)
