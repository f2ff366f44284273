import type { PatternTree } from './syntax.ts'

/** What JavaScript may do for one text that is tried by its own engine: some microseconds. */
const MAX_TRIES = 3_000
const MAX_LENGTH = 1_024

/**
 * The longest texts that JavaScript's own engine tries quickly, whatever they say. It goes through the pattern in one
 * way after the other: there are no more of them than products and sums of what it may choose, and each ends within
 * what the pattern is long.
 */
export function quickLength(tree: PatternTree): number {
  let quick = -1
  for (let step = MAX_LENGTH; step >= 1; step /= 2)
    if (quick + step <= MAX_LENGTH && tries(tree, quick + step) <= MAX_TRIES) quick += step
  return quick
}

/** No more than this is tried with a text of `length` characters. */
function tries(tree: PatternTree, length: number): number {
  const isAnchored =
    tree.kind === 'sequence' && tree.parts[0]?.kind === 'at' && tree.parts[0].place === 'begin'
  const each = ways(tree, length) * longest(tree, length)
  return isAnchored ? each + length : each * (length + 1)
}

function ways(tree: PatternTree, length: number): number {
  switch (tree.kind) {
    case 'char':
    case 'at':
      return 1
    case 'look':
      return ways(tree.of, length)
    case 'sequence':
      return tree.parts.reduce((product, part) => product * ways(part, length), 1)
    case 'choice':
      return tree.parts.reduce((sum, part) => sum + ways(part, length), 0)
    case 'repeat': {
      const of = ways(tree.of, length)
      return (Math.min(tree.max - tree.min, length) + 1) * of ** times(tree, length)
    }
  }
}

function longest(tree: PatternTree, length: number): number {
  switch (tree.kind) {
    case 'char':
    case 'at':
      return 1
    case 'look':
      return 1 + longest(tree.of, length)
    case 'sequence':
    case 'choice':
      return tree.parts.reduce((sum, part) => sum + longest(part, length), 1)
    case 'repeat':
      return 1 + times(tree, length) * (1 + longest(tree.of, length))
  }
}

/** How often something is repeated at most: what is more than must be is never empty. */
const times = ({ min, max }: { min: number; max: number }, length: number): number =>
  Math.min(max, min + length)
