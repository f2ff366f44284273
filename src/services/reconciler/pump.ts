import type { Platform } from '../../context.ts'
import { patiently } from '../../kit/patience.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { OutputBatch, Position } from '../../ports/runtime/runtime.ts'
import { appendLines, type NewLine } from '../../streams/index.ts'

/** The process whose output is read: an instance of a service, and how often it was started again. */
export interface Printer {
  readonly serviceId: string
  readonly instanceId: string
  readonly restarts: number
  readonly ordinal: number
}

/** Where the output of a process is kept until it is stored. */
export interface Source {
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

/** Another server has read on from here: this one's reading is void. */
export class Superseded extends Error {}

/**
 * Stores what a process prints, to its end. Lines and the position behind them are one statement, so that a crash
 * between any two instructions neither loses a line nor stores it twice. While the database cannot be reached the
 * output waits where the runtime keeps it. Throws Superseded when somebody else has moved the position.
 */
export async function pump(
  platform: Platform,
  printer: Printer,
  source: Source,
  from: Position,
  pace: Pace,
): Promise<void> {
  let position = from
  for await (const { lines, position: next } of source.output(from, pace.signal)) {
    if (lines.length > 0) {
      await store(platform, printer, lines, position, next, pace)
      position = next
      await source.release?.(position)
    }
  }
}

async function store(
  platform: Platform,
  { serviceId, instanceId, restarts, ordinal }: Printer,
  lines: readonly NewLine[],
  position: Position,
  next: Position,
  { signal, inTurn }: Pace,
): Promise<void> {
  const { database, hub, log } = platform
  const guard = {
    name: 'output',
    sql: Prisma.sql`
      UPDATE "Instance" SET "outputPosition" = ${next}
      WHERE id = ${instanceId}::uuid AND restarts = ${restarts}::int AND "outputPosition" = ${position} RETURNING 1`,
  }
  const append = async (): Promise<void> => {
    const head = await appendLines(platform, serviceId, lines, { instance: ordinal, guard })
    if (head === undefined) {
      // either an earlier try did it and its answer was lost, or it is no longer ours to do
      const row = await database.prisma.instance.findUnique({ where: { id: instanceId } })
      if (row?.restarts !== restarts || row.outputPosition !== next)
        throw new Superseded(`The output of ${instanceId}.${restarts} is read by somebody else.`)
    }
    hub.hint('log', serviceId)
  }
  await patiently(
    () => inTurn(append),
    signal,
    (cause) => {
      if (cause instanceof Superseded) throw cause
      log.warn({ err: cause, serviceId }, 'could not store log lines; trying again')
    },
  )
  signal.throwIfAborted()
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
  platform.hub.hint('log', serviceId)
}
