import { Automaton, MAX_STATES, TooManyStates } from './automaton.ts'
import { Uncountable, type Steps } from './steps.ts'
import { quickLength } from './quick.ts'
import { treeOf, type PatternTree } from './syntax.ts'

/** Characters of whose answers a class remembers. */
const REMEMBERED = 128

/**
 * A regular expression of JavaScript, tried in time that grows with the text. JavaScript's own engine goes one way after
 * the other, of which there may be exponentially many: it tries only texts so short that there are few. Others are
 * followed by an automaton, which asks JavaScript whether single characters fit the pattern's parts, so that all mean
 * what ECMA-262 says. What no automaton can follow (back references, tens of thousands of counted repetitions) is tried
 * by JavaScript where Steps are patient: in a thread that can be ended.
 */
export class Pattern {
  readonly #whole: RegExp
  /** What an automaton can be made of, until it has turned out too large. */
  #tree: PatternTree | undefined
  /** How long the texts are that JavaScript's own engine tries. */
  #quick: number | undefined
  #automaton: Automaton | undefined

  constructor(whole: RegExp) {
    this.#whole = whole
    this.#tree = /[^iu]/.test(whole.flags) ? undefined : treeOf(whole.source, whole.unicode)
  }

  /**
   * Reads a pattern by characters; one that JavaScript refuses then, as it always was. Throws a SyntaxError for what is
   * none, and TooManySteps.
   */
  static of(source: string, steps: Steps): Pattern {
    steps.take(costOf(source))
    return new Pattern(readPattern(source))
  }

  /** States that it has in memory. */
  get size(): number {
    return this.#automaton?.size ?? 0
  }

  /** Whether something within the text fits. Throws TooManySteps. */
  test(text: string, steps: Steps): boolean {
    steps.take(30 + (text.length >> 2))
    if (text.length <= this.#quickOnce(steps)) return this.#whole.test(text)
    const automaton = this.#automatonOnce(steps)
    if (automaton) return automaton.test(codesOf(text, this.#whole.unicode), steps)
    if (!steps.isPatient) throw new Uncountable()
    return this.#whole.test(text)
  }

  #quickOnce(steps: Steps): number {
    if (this.#quick !== undefined) return this.#quick
    steps.take(costOf(this.#whole.source))
    return (this.#quick = this.#tree === undefined ? -1 : quickLength(this.#tree))
  }

  #automatonOnce(steps: Steps): Automaton | undefined {
    if (this.#automaton || this.#tree === undefined) return this.#automaton
    steps.take(2 * costOf(this.#whole.source)) // of its characters, which are patterns of their own
    try {
      this.#automaton = automatonOf(this.#tree, this.#whole)
    } catch (cause) {
      if (!(cause instanceof TooManyStates)) throw cause
      this.#tree = undefined
    }
    steps.take(8 * (this.#automaton?.size ?? MAX_STATES))
    return this.#automaton
  }
}

/** Steps that it takes to read a pattern: a property of Unicode stands for hundreds of ranges. */
export const costOf = (source: string): number =>
  100 + 4 * source.length + 500 * (source.split(/\\p/i).length - 1)

/** A pattern as JavaScript reads it. Throws a SyntaxError. */
export function readPattern(source: string): RegExp {
  try {
    return new RegExp(source, 'u')
  } catch {
    return new RegExp(source)
  }
}

function automatonOf(tree: PatternTree, { flags, unicode }: RegExp): Automaton {
  const known = new Map<string, (code: number) => boolean>()
  return new Automaton(tree, (char) => {
    const is = known.get(char) ?? charTest(char, flags, unicode)
    known.set(char, is)
    return is
  })
}

/** Whether a character fits a part of a pattern that stands for one. */
function charTest(source: string, flags: string, isUnicode: boolean): (code: number) => boolean {
  const one = new RegExp(`^(?:${source})$`, flags)
  const fits = (code: number): boolean =>
    one.test(isUnicode ? String.fromCodePoint(code) : String.fromCharCode(code))
  const known: (boolean | undefined)[] = []
  return (code) => (code < REMEMBERED ? (known[code] ??= fits(code)) : fits(code))
}

function codesOf(text: string, isUnicode: boolean): Int32Array {
  const codes = new Int32Array(text.length)
  let count = 0
  for (let place = 0; place < text.length; place += 1) {
    const code = isUnicode ? (text.codePointAt(place) ?? 0) : text.charCodeAt(place)
    if (code > 0xffff) place += 1
    codes[count++] = code
  }
  return codes.subarray(0, count)
}
