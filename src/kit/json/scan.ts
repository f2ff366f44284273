const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const BACKSLASH = 0x5c
const LIST = 0x5b
const LIST_END = 0x5d
const OBJECT = 0x7b
const OBJECT_END = 0x7d

/** Spaces, tabs and line ends, and the byte order mark. */
const isSpace = (code: number): boolean =>
  code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09 || code === 0xfeff

/** The end of the string that begins here. */
function endOfString(text: string, at: number): number {
  for (let end = at; ;) {
    end = text.indexOf('"', end + 1)
    if (end < 0) return text.length
    let before = end - 1
    while (text.charCodeAt(before) === BACKSLASH) before -= 1
    if ((end - before) % 2 === 1) return end + 1
  }
}

/** The end of the number, or of true, false or null, that begins here. */
function endOfWord(text: string, at: number): number {
  for (let end = at + 1; end < text.length; end += 1) {
    const code = text.charCodeAt(end)
    if (code === COMMA || code === LIST_END || code === OBJECT_END || isSpace(code)) return end
  }
  return text.length
}

/** The end of the list or object that begins here. Nothing calls itself, so no depth is too much. */
function endOfNest(text: string, at: number): number {
  let depth = 0
  for (let place = at; place < text.length; place += 1) {
    const code = text.charCodeAt(place)
    if (code === QUOTE) place = endOfString(text, place) - 1
    else if (code === LIST || code === OBJECT) depth += 1
    else if (code === LIST_END || code === OBJECT_END) {
      depth -= 1
      if (depth === 0) return place + 1
    }
  }
  return text.length
}

/**
 * A way through a JSON text, which is known to be one because JSON.parse has read it: nothing is checked here. Whatever
 * it is, every step goes forward, so that all of them end.
 */
export class JsonScan {
  readonly text: string
  /** Where the next value begins. */
  at = 0

  constructor(text: string) {
    this.text = text
    this.#skipSpace()
  }

  /** Goes past the value, and answers its text. */
  take(): string {
    const begin = this.at
    this.skip()
    return this.text.slice(begin, this.at)
  }

  /** Goes past the value. */
  skip(): void {
    const first = this.text.charCodeAt(this.at)
    const end =
      first === QUOTE ? endOfString : first === LIST || first === OBJECT ? endOfNest : endOfWord
    this.at = end(this.text, this.at)
  }

  /** Goes through the members of an object; `visit` goes past the value of each. Any other value is skipped. */
  members(visit: (name: string) => void): void {
    if (!this.#enters(OBJECT)) return
    while (this.text.charCodeAt(this.at) === QUOTE) {
      const end = endOfString(this.text, this.at)
      const name = this.text.slice(this.at + 1, end - 1)
      this.at = end
      this.#skipSign() // the colon
      visit(name.includes('\\') ? String(JSON.parse(`"${name}"`)) : name)
      if (!this.#skipComma()) break
    }
    this.at += 1
  }

  /** Goes through the items of a list; `visit` goes past each. Any other value is skipped. */
  items(visit: (place: number) => void): void {
    if (!this.#enters(LIST)) return
    for (let place = 0; this.text.charCodeAt(this.at) !== LIST_END; place += 1) {
      visit(place)
      if (!this.#skipComma()) break
    }
    this.at += 1
  }

  #enters(sign: number): boolean {
    const isThere = this.text.charCodeAt(this.at) === sign
    if (isThere) this.#skipSign()
    else this.skip()
    return isThere
  }

  #skipSign(): void {
    this.#skipSpace()
    this.at += 1
    this.#skipSpace()
  }

  #skipComma(): boolean {
    this.#skipSpace()
    if (this.text.charCodeAt(this.at) !== COMMA) return false
    this.#skipSign()
    return true
  }

  #skipSpace(): void {
    while (isSpace(this.text.charCodeAt(this.at))) this.at += 1
  }
}

/** The text with other words for some of its numbers. */
export function withNumbers(text: string, change: (number: string) => string): string {
  const parts: string[] = []
  let kept = 0
  for (let place = 0; place < text.length; place += 1) {
    const code = text.charCodeAt(place)
    if (code === QUOTE) place = endOfString(text, place) - 1
    else if (code === MINUS || (code >= 0x30 && code <= 0x39)) {
      const end = endOfWord(text, place)
      const number = text.slice(place, end)
      const changed = change(number)
      if (changed !== number) {
        parts.push(text.slice(kept, place), changed)
        kept = end
      }
      place = end - 1
    }
  }
  return kept === 0 ? text : parts.join('') + text.slice(kept)
}
