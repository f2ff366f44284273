import { pino, type Logger } from 'pino'

/** A real log whose lines a test can look at. */
export function recordingLog(): { log: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = []
  return { lines, log: pino({ level: 'trace' }, { write: (line) => lines.push(JSON.parse(line)) }) }
}
