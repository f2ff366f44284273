import { inOneLine, jsonOf, visible } from './visible.ts'

/** Whose line is drawn in the last row of the terminal, without an end. */
let drawn: string | undefined

/**
 * What a command answers: on stdout, and nothing else is. `show` makes what others wrote harmless; `whose` says it, in
 * the place of what the same has drawn.
 */
export function say(text: string, show: (text: string) => string = visible, whose?: string): void {
  process.stdout.write(`${fresh(whose)}${show(text)}\n`)
}

/** Whether what is drawn can be drawn over. */
export const canDraw = (): boolean => process.stdout.isTTY && process.env['TERM'] !== 'dumb'

/** Draws a row that is not finished: what the same draws or says next takes its place, all else comes below it. */
export function draw(row: string, whose: string): void {
  process.stdout.write(`${fresh(whose)}${row}`)
  drawn = whose
}

/** How many columns a row may have that is to be drawn over: a full one may have moved the cursor on. */
export const columns = (): number => (process.stdout.columns || 80) - 1

/** What is told on the way: on stderr, so that it mixes with no answer. */
export function note(text: string): void {
  endRow()
  process.stderr.write(`${visible(text)}\n`)
}

/** Leaves what is drawn as it is; what comes is written below it. */
export function endRow(): void {
  if (drawn !== undefined) process.stdout.write(fresh())
}

/** What leads to a row that `whose` may write. */
function fresh(whose?: string): string {
  const to = drawn === undefined ? '' : drawn === whose ? ERASE_ROW : '\n'
  drawn = undefined
  return to
}

const ERASE_ROW = '\r\u001b[K'

/** The answer as one JSON document, or else in words. */
export function answer(isJson: boolean, value: unknown, words: () => string): void {
  say(isJson ? jsonOf(value, 2) : words())
}

/** Rows under their titles, in columns. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [titles, ...rows].map((row) => row.map(inOneLine))
  const widths = titles.map((_, column) =>
    Math.max(...all.map((row) => (row[column] ?? '').length)),
  )
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Several things in a sentence: `a`, `a and b`, `a, b and c`. */
export function listed(names: readonly string[]): string {
  const last = names.at(-1) ?? ''
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`
}
