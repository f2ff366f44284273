import { inOneLine, jsonOf, visible } from './visible.ts'

/** What a command answers: on stdout, and nothing else is. `show` makes what others wrote harmless. */
export function say(text: string, show: (text: string) => string = visible): void {
  process.stdout.write(`${show(text)}\n`)
}

/** What is told on the way: on stderr, so that it mixes with no answer. */
export function note(text: string): void {
  process.stderr.write(`${visible(text)}\n`)
}

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
