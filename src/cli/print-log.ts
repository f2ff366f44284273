import type { Command } from 'commander'
import type { LogLineState } from '../client/shown-lines.ts'
import { isJson, readWhole } from './command.ts'
import { Density } from './density.ts'
import { lineView } from './line-view.ts'
import { linesAfter, START, startOfLast, wholeLines, type ReadableLog } from './log-reader.ts'
import { canDraw, endRow, note, say } from './output.ts'
import { Refusal } from './refusal.ts'
import { saveLog } from './save-log.ts'
import { inColor, inOneLine, jsonOf } from './visible.ts'
import { readSince, shortTime } from './time.ts'

/** How a log is to be shown. */
export interface LogView {
  readonly follow?: boolean
  readonly since?: string
  readonly tail?: number
  readonly verify?: boolean
  readonly color?: boolean
  readonly output?: string
}

/** A line of any log. */
interface Line extends LogLineState {
  readonly at: string
  readonly text: string
}

/** Adds what every command that shows a log has. */
export function showingLog(command: Command): Command {
  return command
    .option(
      '-f, --follow',
      'print new lines as they appear, until Ctrl-C; reconnects automatically',
    )
    .option(
      '--since <when>',
      'start of the log to print: a duration such as 10m, or a time',
      readSince,
    )
    .option('--tail <n>', 'print only the last n lines; with -f, begin with them', readWhole(0))
    .option('--color', 'print the colors that the lines contain')
    .option(
      '--output <file>',
      'write the log to a file: from its beginning or --since to the newest line; with --json as NDJSON',
    )
    .option('--verify', 'check that no line is missing or repeated')
}

/** Which lines a log is asked for. */
export const filterOf = ({ since }: LogView) =>
  since === undefined ? undefined : { at: { from: since } }

/**
 * Prints a log as the options say. `whence` is what a line came from, in a word or two; `ended` what is said when the
 * log has come to its end.
 */
export async function printLog<One extends Line>(
  source: ReadableLog<One>,
  options: LogView,
  command: Command,
  { whence, ended }: { whence: (line: One) => string; ended: string },
): Promise<void> {
  if (options.output !== undefined) return save(source, options, command)
  const isWholeLog = options.since === undefined && options.tail === undefined
  const density = new Density(isWholeLog ? 0 : undefined)
  const view = lineView<One>({
    words: (line) => inWords(line, whence),
    show: options.color === true ? inColor : inOneLine,
    isLive: options.follow === true && canDraw(),
  })
  const print = (lines: readonly One[]): void => {
    for (const { number } of lines) density.add(number)
    if (isJson(command)) for (const line of lines) say(jsonOf(line))
    else view.add(lines)
  }
  if (options.follow === true) whenStopped(options.verify === true ? density : undefined)

  // in words lines that are not finished are not counted: most of them are not shown
  const counted = isJson(command) ? {} : { isUnfinished: false }
  const after =
    options.tail === undefined ? START : await startOfLast(source, options.tail, counted)
  if (options.follow === true)
    for await (const { lines, gap, end } of wholeLines(source.follow(after))) {
      if (gap !== null) note(gone('Lines', gap))
      print(lines)
      if (end !== null) {
        view.end()
        density.end(end.lastNumber)
        note(ended)
      }
    }
  else {
    for await (const { lines, gap } of linesAfter(source, after)) {
      // of a part that is asked for by time, nobody misses what is older
      if (gap !== null && isWholeLog) note(gone('Lines', gap))
      print(lines)
    }
    view.end()
  }
  if (options.verify === true) report(density)
}

async function save(
  source: ReadableLog<unknown>,
  { output = '', follow, tail, verify, color }: LogView,
  command: Command,
): Promise<void> {
  if ([follow, tail, verify, color].some((option) => option !== undefined))
    command.error('error: give --output without -f, --tail, --verify and --color', { exitCode: 2 })
  await saveLog(await source.url(isJson(command) ? 'NDJSON' : 'TIMED_TEXT'), output)
}

/** Says that something of a stream is gone. */
export const gone = (
  what: string,
  { from, to, reason }: { from: number; to: number; reason: string },
): string =>
  `${what} ${from} to ${to} are missing: ${reason === 'RETENTION' ? 'their retention time is over' : 'the database was restored to an earlier state'}.`

function report(density: Density): void {
  if (!density.isWhole) throw new Refusal(density.report)
  note(density.report)
}

/** Ctrl-C is how following ends: the report comes then, where one is asked for. */
function whenStopped(density: Density | undefined): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      endRow()
      if (density === undefined) process.kill(process.pid, signal)
      else {
        note(density.report)
        process.exit(density.isWhole ? 0 : 1)
      }
    })
}

function inWords<One extends Line>(line: One, whence: (line: One) => string): string {
  const who = line.source === 'SYSTEM' ? 'millrace' : whence(line)
  return `${shortTime(line.at)} ${who.padEnd(8)} ${line.text}`
}
