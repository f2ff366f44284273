import type { Command } from 'commander'
import { isJson, readWhole } from './command.ts'
import { Density } from './density.ts'
import { lastLines, linesAfter, START, wholeLines, type LogSource } from './log-reader.ts'
import { note, say } from './output.ts'
import { Refusal } from './refusal.ts'
import { inColor, inOneLine, jsonOf } from './visible.ts'
import { readSince, shortTime } from './time.ts'

/** How a log is to be shown. */
export interface LogOptions {
  readonly follow?: boolean
  readonly since?: string
  readonly tail?: number
  readonly verify?: boolean
  readonly color?: boolean
}

/** A line of any log. */
interface Line {
  readonly number: number
  readonly at: string
  readonly source: string
  readonly text: string
}

/** Adds what every command that shows a log has. */
export function showingLog(command: Command): Command {
  return command
    .option('-f, --follow', 'go on with what comes, through every cut, until Ctrl-C')
    .option('--since <when>', 'only from then on: a duration like 10m, or a time', readSince)
    .option('--tail <n>', 'begin with the last lines', readWhole(0))
    .option('--color', 'let the colors of the lines through')
    .option('--verify', 'check that no line is missing and none came twice')
}

/** Which lines a log is asked for. */
export const filterOf = ({ since }: LogOptions) =>
  since === undefined ? undefined : { at: { from: since } }

/**
 * Prints a log as the options say. `whence` is what a line came from, in a word or two; `ended` what is said when the
 * log has come to its end.
 */
export async function printLog<One extends Line>(
  source: LogSource<One>,
  options: LogOptions,
  command: Command,
  { whence, ended }: { whence: (line: One) => string; ended: string },
): Promise<void> {
  const isWholeLog = options.since === undefined && options.tail === undefined
  const density = new Density(isWholeLog ? 0 : undefined)
  const print = (line: One): void => {
    density.add(line.number)
    if (isJson(command)) say(jsonOf(line))
    else say(inWords(line, whence), options.color === true ? inColor : inOneLine)
  }
  if (options.verify === true && options.follow === true) reportWhenStopped(density)

  let after = START
  if (options.tail !== undefined) {
    const { lines, cursor } = await lastLines(source, options.tail)
    lines.forEach(print)
    after = cursor
  }
  if (options.follow === true)
    for await (const { lines, gap, end } of wholeLines(source.follow(after))) {
      if (gap !== null) note(gone('Lines', gap))
      lines.forEach(print)
      if (end !== null) {
        density.end(end.lastNumber)
        note(ended)
      }
    }
  else if (options.tail === undefined)
    for await (const { lines, gap } of linesAfter(source, after)) {
      // of a part that is asked for by time, nobody misses what is older
      if (gap !== null && isWholeLog) note(gone('Lines', gap))
      lines.forEach(print)
    }
  if (options.verify === true) report(density)
}

/** Says that something of a stream is gone. */
export const gone = (
  what: string,
  { from, to, reason }: { from: number; to: number; reason: string },
): string =>
  `${what} ${from} to ${to} are gone: ${reason === 'RETENTION' ? 'they were kept no longer' : 'the database was restored to before them'}.`

function report(density: Density): void {
  if (!density.isWhole) throw new Refusal(density.report)
  note(density.report)
}

/** Ctrl-C is how following ends: the report comes then. */
function reportWhenStopped(density: Density): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      note(density.report)
      process.exit(density.isWhole ? 0 : 1)
    })
}

function inWords<One extends Line>(line: One, whence: (line: One) => string): string {
  const who = line.source === 'SYSTEM' ? 'millrace' : whence(line)
  return `${shortTime(line.at)} ${who.padEnd(8)} ${line.text}`
}
