import type { Command } from 'commander'
import {
  CliFollowLogsDocument,
  CliLogsDocument,
  type CliLineFragment,
  type CliLogsQuery,
  type CliLogsQueryVariables,
} from '../generated/operations/graphql.ts'
import { send, type Server } from './api.ts'
import { isJson, readWhole, serverOf, talking } from './command.ts'
import { Density } from './density.ts'
import { note, say } from './output.ts'
import { Refusal } from './refusal.ts'
import { findService } from './service.ts'
import { readSince, shortTime } from './time.ts'

interface LogOptions {
  readonly follow?: boolean
  readonly since?: string
  readonly tail?: number
  readonly verify?: boolean
}

type Line = CliLineFragment
type LogPage = NonNullable<CliLogsQuery['service']>['logs']

const PAGE = 1000
const START = 'start'

/** `logs`: what a service printed, and with -f what it prints from now on. */
export function addLogs(program: Command): void {
  talking(program.command('logs'))
    .description('print the log of a service')
    .argument('<service>', 'id or handle')
    .option('-f, --follow', 'go on with what comes, through every cut, until Ctrl-C')
    .option('--since <when>', 'only from then on: a duration like 10m, or a time', readSince)
    .option('--tail <n>', 'begin with the last lines', readWhole(0))
    .option('--verify', 'check that no line is missing and none came twice')
    .action(async (name: string, options: LogOptions, command: Command) => {
      const server = serverOf(command)
      const { id } = await findService(server, name)
      const log = new LogReader(server, id, options.since)
      const isWholeLog = options.since === undefined && options.tail === undefined
      const density = new Density(isWholeLog ? 0 : undefined)
      const print = (line: Line): void => {
        density.add(line.number)
        say(isJson(command) ? JSON.stringify(line) : inWords(line))
      }
      if (options.verify === true && options.follow === true) reportWhenStopped(density)

      let after = START
      if (options.tail !== undefined) {
        const { lines, cursor } = await log.last(options.tail)
        lines.forEach(print)
        after = cursor
      }
      if (options.follow === true) await follow(log, after, print, density)
      else if (options.tail === undefined) for await (const line of log.pages(after)) print(line)
      if (options.verify === true) report(density)
    })
}

async function follow(
  log: LogReader,
  after: string,
  print: (line: Line) => void,
  density: Density,
): Promise<void> {
  for await (const { lines, gap, end } of log.follow(after)) {
    if (gap !== null)
      note(
        `Lines ${gap.from} to ${gap.to} are gone: ${gap.reason === 'RETENTION' ? 'they were kept no longer' : 'the database was restored to before them'}.`,
      )
    lines.forEach(print)
    if (end !== null) {
      density.end(end.lastNumber)
      note('The service is deleted; this was its last line.')
    }
  }
}

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

function inWords({ at, source, instance, text }: Line): string {
  const who = source === 'SYSTEM' ? 'millrace' : `${instance ?? '-'} ${source.toLowerCase()}`
  return `${shortTime(at)} ${who.padEnd(8)} ${text}`
}

/** One log, or what of it is not older than `since`. */
class LogReader {
  readonly #server: Server
  readonly #variables: Pick<CliLogsQueryVariables, 'serviceId' | 'filter'>

  constructor(server: Server, serviceId: string, since: string | undefined) {
    this.#server = server
    const filter = since === undefined ? undefined : { at: { from: since } }
    this.#variables = { serviceId, filter }
  }

  /** Everything behind a cursor that is there now. */
  async *pages(after: string): AsyncGenerator<Line> {
    for (let cursor: string | null = after; cursor !== null;) {
      const { nodes, pageInfo }: LogPage = await this.#page({ first: PAGE, after: cursor })
      yield* nodes
      cursor = pageInfo.hasNextPage ? pageInfo.endCursor : null
    }
  }

  /** The last lines, in their order, and the cursor behind them. */
  async last(count: number): Promise<{ lines: Line[]; cursor: string }> {
    let lines: Line[] = []
    let end: string | null = null
    let before: string | null = null
    do {
      const last = Math.min(PAGE, Math.max(count - lines.length, 1))
      const { nodes, pageInfo }: LogPage = await this.#page({ last, before })
      end ??= pageInfo.endCursor
      lines = [...nodes, ...lines]
      before = pageInfo.hasPreviousPage ? pageInfo.startCursor : null
    } while (before !== null && lines.length < count)
    return { lines: count === 0 ? [] : lines, cursor: end ?? START }
  }

  /** Everything behind a cursor, and what comes, through every cut. */
  async *follow(after: string) {
    const { follow } = await import('./follow.ts')
    const variables = { ...this.#variables, after }
    for await (const { serviceLogs } of follow(this.#server, CliFollowLogsDocument, variables))
      yield serviceLogs
  }

  async #page(range: Omit<CliLogsQueryVariables, 'serviceId' | 'filter'>): Promise<LogPage> {
    const variables = { ...this.#variables, ...range }
    const { service } = await send(this.#server, CliLogsDocument, variables)
    if (service === null) throw new Refusal('The service was deleted meanwhile.')
    return service.logs
  }
}
