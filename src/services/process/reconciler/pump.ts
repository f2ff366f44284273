import type { Platform } from '../../../context.ts'
import { patiently } from '../../../kit/patience.ts'
import { Prisma } from '../../../generated/prisma/client.ts'
import type { OutputBatch, Position } from '../../../ports/runtime/runtime.ts'
import { appendLines, LOG, type NewLine } from '../../../streams/index.ts'

/** The process whose output is read: an instance of a service, and how often it was started again. */
export interface Printer {
  readonly serviceId: string
  readonly instanceId: string
  readonly restarts: number
  readonly ordinal: number
}

/** Where the output of a process is kept until it is stored. */
export interface KeptOutput {
  output(from: Position, signal: AbortSignal): AsyncIterable<OutputBatch>
  release?(position: Position): Promise<void>
  discard(): Promise<void>
}

interface Pace {
  /** Ends the reading; the rest stays where it is. */
  readonly signal: AbortSignal
  /** Runs one statement, in its turn. */
  readonly inTurn: <T>(statement: () => Promise<T>) => Promise<T>
}

/** The process is not the one that its instance has now: there is nobody to print for. */
export class Superseded extends Error {}

/**
 * Stores what a process prints, to its end. Lines and the position behind them are one statement, so that a crash
 * between any two instructions neither loses a line nor stores it twice. While the database cannot be reached the
 * output waits where the runtime keeps it. The position in the table counts: a statement that an earlier run of this
 * server had under way may move it even now. Throws Superseded when the instance has another process, or is gone.
 */
export async function pump(
  platform: Platform,
  printer: Printer,
  source: KeptOutput,
  from: Position,
  pace: Pace,
): Promise<void> {
  let start: Position | undefined = from
  while (start !== undefined) start = await pumpFrom(platform, printer, source, start, pace)
}

/** Answers where to go on when that is elsewhere than where it is. */
async function pumpFrom(
  platform: Platform,
  printer: Printer,
  source: KeptOutput,
  from: Position,
  pace: Pace,
): Promise<Position | undefined> {
  let position = from
  for await (const { lines, position: next } of source.output(from, pace.signal)) {
    if (lines.length === 0) continue
    const stored = await store(platform, printer, lines, position, next, pace)
    if (stored !== next) return stored
    position = next
    await source.release?.(position)
  }
  return undefined
}

/** Answers how far the output is stored then. */
async function store(
  platform: Platform,
  { serviceId, instanceId, restarts, ordinal }: Printer,
  lines: readonly NewLine[],
  position: Position,
  next: Position,
  { signal, inTurn }: Pace,
): Promise<Position> {
  const { database, hub, log } = platform
  const guard = {
    name: 'output',
    sql: Prisma.sql`
      UPDATE "Instance" SET "outputPosition" = ${next}
      WHERE id = ${instanceId}::uuid AND restarts = ${restarts}::int AND "outputPosition" = ${position} RETURNING 1`,
  }
  const append = async (): Promise<Position> => {
    const head = await appendLines(platform, serviceId, lines, { instance: ordinal, guard })
    hub.hint(LOG, serviceId)
    if (head !== undefined) return next
    // an earlier try did it and its answer was lost, or an earlier run did some of it, or it is nobody's
    const row = await database.prisma.instance.findUnique({ where: { id: instanceId } })
    if (row?.restarts !== restarts)
      throw new Superseded(`The process ${instanceId}.${restarts} is not that of its instance.`)
    return row.outputPosition
  }
  const stored = await patiently(
    () => inTurn(append),
    signal,
    (cause) => {
      if (cause instanceof Superseded) throw cause
      log.warn({ err: cause, serviceId }, 'could not store log lines; trying again')
    },
  )
  if (stored === undefined) throw signal.reason
  return stored
}

/** Says something in a service's log, in Millrace's own voice. */
export async function say(
  platform: Platform,
  serviceId: string,
  text: string,
  ordinal?: number,
): Promise<void> {
  const lines = text.split('\n').map((line) => ({ source: 'SYSTEM' as const, text: line }))
  await appendLines(platform, serviceId, lines, ordinal === undefined ? {} : { instance: ordinal })
  platform.hub.hint(LOG, serviceId)
}
