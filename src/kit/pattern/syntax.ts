/** A regular expression, without what it captures. Every `char` is asked of one character alone. */
export type PatternTree =
  | { readonly kind: 'char'; readonly source: string }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternTree[] }
  | { readonly kind: 'choice'; readonly parts: readonly PatternTree[] }
  | {
      readonly kind: 'repeat'
      readonly of: PatternTree
      readonly min: number
      readonly max: number
    }
  | { readonly kind: 'at'; readonly place: 'begin' | 'end' | 'boundary' | 'no boundary' }
  | {
      readonly kind: 'look'
      readonly of: PatternTree
      readonly isAhead: boolean
      readonly isWanted: boolean
    }

/** Levels of groups that are read. */
const MAX_DEPTH = 200

/** What no automaton can follow: back references, and what only old or future patterns have. */
class Unreadable extends Error {}

/** Reads a pattern that JavaScript has accepted; undefined for one that no automaton can follow. */
export function treeOf(pattern: string, isUnicode: boolean): PatternTree | undefined {
  try {
    return new Reader(pattern, isUnicode).choice()
  } catch (cause) {
    if (cause instanceof Unreadable) return undefined
    throw cause
  }
}

const LOOKS = [
  ['(?=', true, true],
  ['(?!', true, false],
  ['(?<=', false, true],
  ['(?<!', false, false],
] as const

class Reader {
  readonly #text: string
  readonly #isUnicode: boolean
  #at = 0
  #depth = 0

  constructor(text: string, isUnicode: boolean) {
    this.#text = text
    this.#isUnicode = isUnicode
  }

  choice(): PatternTree {
    const parts = [this.#sequence()]
    while (this.#takes('|')) parts.push(this.#sequence())
    return parts.length === 1 && parts[0] ? parts[0] : { kind: 'choice', parts }
  }

  #sequence(): PatternTree {
    const parts: PatternTree[] = []
    while (this.#at < this.#text.length && !this.#isAt('|') && !this.#isAt(')'))
      parts.push(this.#repeated(this.#one()))
    return { kind: 'sequence', parts }
  }

  #one(): PatternTree {
    if (this.#takes('^')) return { kind: 'at', place: 'begin' }
    if (this.#takes('$')) return { kind: 'at', place: 'end' }
    if (this.#takes(String.raw`\b`)) return { kind: 'at', place: 'boundary' }
    if (this.#takes(String.raw`\B`)) return { kind: 'at', place: 'no boundary' }
    if (this.#isAt('(')) return this.#group()
    const begin = this.#at
    if (this.#isAt('[')) this.#skipClass()
    else if (this.#isAt('\\')) this.#skipEscape()
    else this.#at += this.#width()
    return { kind: 'char', source: this.#text.slice(begin, this.#at) }
  }

  #group(): PatternTree {
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) throw new Unreadable()
    const look = LOOKS.find(([sign]) => this.#takes(sign))
    if (look === undefined && !this.#takes('(?:')) {
      const named = this.#takesLike(/\(\?<[^>]*>/y)
      if (!named) this.#at += 1
      if (!named && this.#isAt('?')) throw new Unreadable()
    }
    const of = this.choice()
    this.#at += 1 // the parenthesis that closes it
    this.#depth -= 1
    return look === undefined ? of : { kind: 'look', of, isAhead: look[1], isWanted: look[2] }
  }

  #repeated(of: PatternTree): PatternTree {
    const [min, max] = this.#range()
    if (min === undefined) return of
    this.#takes('?') // whether as few as possible matters only to what is captured
    return { kind: 'repeat', of, min, max }
  }

  #range(): readonly [number | undefined, number] {
    if (this.#takes('*')) return [0, Infinity]
    if (this.#takes('+')) return [1, Infinity]
    if (this.#takes('?')) return [0, 1]
    const found = this.#takesLike(/\{(\d+)(?:(,)(\d*))?\}/y)
    if (!found) return [undefined, 0]
    const [, min, comma, max] = found
    const last = max ? Number(max) : Infinity
    return [Number(min), comma === undefined ? Number(min) : last]
  }

  #skipClass(): void {
    this.#at += this.#text[this.#at + 1] === '^' ? 2 : 1
    while (!this.#isAt(']')) this.#at += this.#isAt('\\') ? 2 : 1
    this.#at += 1
  }

  #skipEscape(): void {
    const whole = this.#isUnicode
      ? /\\(?:u\{[^}]*\}|u[dD][89abAB]..\\u[dD][c-fC-F]..|u.{4}|x..|c.|[pP]\{[^}]*\}|[^\d ckpPux]|0)/uy
      : /\\(?:u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[A-Za-z]|[^\dck]|0(?!\d))/sy
    if (!this.#takesLike(whole)) throw new Unreadable()
  }

  #width(): number {
    const code = this.#isUnicode ? (this.#text.codePointAt(this.#at) ?? 0) : 0
    return code > 0xffff ? 2 : 1
  }

  readonly #isAt = (sign: string): boolean => this.#text.startsWith(sign, this.#at)

  #takes(sign: string): boolean {
    const isThere = this.#isAt(sign)
    if (isThere) this.#at += sign.length
    return isThere
  }

  #takesLike(sign: RegExp): RegExpExecArray | null {
    sign.lastIndex = this.#at
    const found = sign.exec(this.#text)
    if (found) this.#at += found[0].length
    return found
  }
}
