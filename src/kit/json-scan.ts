/*
 * Where values are in a JSON text. The text is known to be JSON, because JSON.parse has read it: nothing is checked
 * here, and whatever else it is, every step goes forward, so that all of it ends. Nothing calls itself, so no depth is
 * too much.
 */

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPEN = new Set([0x5b, 0x7b]) // [ {
const CLOSE = new Set([0x5d, 0x7d]) // ] }

/** Spaces, tabs, line ends and the byte order mark. */
const isSpace = (code: number): boolean =>
  code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09 || code === 0xfeff

/** Where the next value or sign begins. */
export function skipSpace(text: string, at: number): number {
  let place = at
  while (isSpace(text.charCodeAt(place))) place += 1
  return place
}

/** The end of the string that begins here. */
function endOfString(text: string, at: number): number {
  for (let end = at; ;) {
    end = text.indexOf('"', end + 1)
    if (end < 0) return text.length
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes += 1
    if (slashes % 2 === 0) return end + 1
  }
}

/** The end of the value that begins here. */
export function endOf(text: string, at: number): number {
  const first = text.charCodeAt(at)
  if (first === QUOTE) return endOfString(text, at)
  if (!OPEN.has(first)) return endOfWord(text, at)
  let depth = 0
  for (let place = at; place < text.length; place += 1) {
    const code = text.charCodeAt(place)
    if (code === QUOTE) place = endOfString(text, place) - 1
    else if (OPEN.has(code)) depth += 1
    else if (CLOSE.has(code)) {
      depth -= 1
      if (depth === 0) return place + 1
    }
  }
  return text.length
}

/** The end of a number, of true, false or null. */
function endOfWord(text: string, at: number): number {
  let place = at + 1
  while (place < text.length) {
    const code = text.charCodeAt(place)
    if (code === COMMA || CLOSE.has(code) || isSpace(code)) break
    place += 1
  }
  return place
}

/** A value in a text. */
export interface Place {
  readonly begin: number
  readonly end: number
}

/** The members of the object that begins here, in their order; none where another value does. */
export function* membersOf(text: string, at: number): Generator<Place & { name: string }> {
  if (text[at] !== '{') return
  let place = skipSpace(text, at + 1)
  while (text.charCodeAt(place) === QUOTE) {
    const named = endOfString(text, place)
    const name = text.slice(place + 1, named - 1)
    const begin = skipSpace(text, skipSpace(text, named) + 1) // behind the colon
    const end = endOf(text, begin)
    yield { name: name.includes('\\') ? String(JSON.parse(`"${name}"`)) : name, begin, end }
    place = skipSpace(text, skipSpace(text, end) + 1) // behind the comma, or the brace
  }
}

/** The items of the list that begins here, in their order; none where another value does. */
export function* itemsOf(text: string, at: number): Generator<Place> {
  if (text[at] !== '[') return
  let begin = skipSpace(text, at + 1)
  while (begin < text.length && text[begin] !== ']') {
    const end = endOf(text, begin)
    yield { begin, end }
    const next = skipSpace(text, end)
    if (text.charCodeAt(next) !== COMMA) return
    begin = skipSpace(text, next + 1)
  }
}

/** The text with other words for some of its numbers. */
export function withNumbers(text: string, change: (number: string) => string): string {
  const parts: string[] = []
  let kept = 0
  for (let place = 0; place < text.length; place += 1) {
    const code = text.charCodeAt(place)
    if (code === QUOTE) place = endOfString(text, place) - 1
    else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
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
