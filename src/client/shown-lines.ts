/** What a line of a log must have selected; `instance` or `attempt` where lines of several come together. */
export interface LogLineState {
  readonly number: number
  readonly source: string
  readonly isUnfinished: boolean
  readonly instance?: number | null
  readonly attempt?: number | null
}

/** Whose line it is: unfinished, it is shown until the next one of the same printer comes. */
export const printerOf = ({ source, instance, attempt }: LogLineState): string =>
  `${source} ${instance ?? '-'} ${attempt ?? '-'}`

/**
 * The lines of a log that are to be shown, in their order: all but those unfinished ones whose place a later one has
 * taken. May be asked again with what it answered and the lines that came since.
 */
export function shownLines<Line extends LogLineState>(lines: readonly Line[]): Line[] {
  const newest = new Map<string, number>()
  for (const line of lines) newest.set(printerOf(line), line.number)
  // a line that comes in pieces has one number
  return lines.filter((line) => !line.isUnfinished || newest.get(printerOf(line)) === line.number)
}
