/** Edits that a slip of the hand takes at most: beyond, another word is meant. */
const SLIPS = 3

/** The candidate that takes the fewest insertions, deletions and replacements to reach from `word`, if those are few. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: { candidate: string; edits: number } | undefined
  for (const candidate of candidates) {
    const edits = editsBetween(word, candidate)
    if (best === undefined || edits < best.edits) best = { candidate, edits }
  }
  return best !== undefined && best.edits <= SLIPS ? best.candidate : undefined
}

function editsBetween(one: string, other: string): number {
  let above = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (let row = 1; row <= one.length; row++) {
    const here = [row]
    for (let column = 1; column <= other.length; column++) {
      const replaced = (above[column - 1] ?? 0) + (one[row - 1] === other[column - 1] ? 0 : 1)
      here.push(Math.min(replaced, (above[column] ?? 0) + 1, (here[column - 1] ?? 0) + 1))
    }
    above = here
  }
  return above[other.length] ?? 0
}
