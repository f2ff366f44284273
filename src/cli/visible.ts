import { hexOf, inJson, withoutControls } from '../kit/controls.ts'

/*
 * What others wrote (a service's log, a name, an error) must not drive the terminal it is shown on: move the cursor,
 * set the title or the clipboard, hide text, turn it around. Its control characters are spelled out, as `\x1b`.
 */

/** Text of any number of lines: line ends and tabs are left, other control characters are spelled out. */
export const visible = (text: string): string =>
  withoutControls(text.replaceAll('\r\n', '\n'), (character) =>
    character === '\n' || character === '\t' ? character : spelled(character),
  )

/** Text that is a part of one line, and stays it: its line ends are spelled out too. */
export const inOneLine = (text: string): string =>
  withoutControls(text, (character) => (character === '\t' ? character : spelled(character)))

/** What SGR takes, between ESC [ and m. */
export const COLOR = new RegExp(`(${String.fromCharCode(27)}\\[[0-9;:]{0,64}m)`)

/** The same, but sequences that set colors work, to the end of the line. */
export function inColor(text: string): string {
  const parts = text.split(COLOR)
  // every second one is a sequence
  const shown = parts.map((part, at) => (at % 2 === 1 ? part : inOneLine(part)))
  return shown.join('') + (parts.length > 1 ? '\u001b[0m' : '')
}

/** JSON of a value, exact and visible. */
export const jsonOf = (value: unknown, indent?: number): string =>
  inJson(JSON.stringify(value, null, indent))

/** Bytes as a terminal is shown them. */
export async function* visibleBytes(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let held = '' // a return that may be half a line end
  for await (const chunk of bytes) {
    const text = held + decoder.decode(chunk, { stream: true })
    held = text.endsWith('\r') ? '\r' : ''
    yield visible(text.slice(0, text.length - held.length))
  }
  yield visible(held + decoder.decode())
}

function spelled(character: string): string {
  if (character === '\n') return String.raw`\n`
  if (character === '\r') return String.raw`\r`
  return character < '\u0100' ? `\\x${hexOf(character, 2)}` : `\\u${hexOf(character, 4)}`
}
