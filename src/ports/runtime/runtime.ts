import type { Readable } from 'node:stream'

/**
 * A Runtime runs the instances of services. It keeps what they print until the caller has it safe: output is
 * read by position, and a position may be handed to a later process of this server, so that nothing an
 * instance printed is lost or told twice when the server is killed.
 */
export interface Runtime {
  /** Starts one process. Resolves once it runs (not: once it is healthy). Throws StartFailed with a sentence for the user. */
  start(spec: InstanceSpec): Promise<RunningInstance>
  /**
   * Processes that an earlier, killed server with the same data folder left behind. They are ended (whole process
   * group) before this resolves; their output is still there to be read and must be followed by `discard()`.
   */
  leftovers(): Promise<readonly Leftover[]>
  /** Ends every process this runtime started and frees what it holds. */
  close(): Promise<void>
}

export interface InstanceSpec {
  /** Unique per process started: the instance and its restart, `<uuid>.<restarts>`. Names the folder of its output. */
  readonly key: string
  readonly source: Source
  readonly program: Program
  /** The whole environment but PORT, PATH and what the runtime itself must add; nothing of the server's leaks in. */
  readonly environment: Readonly<Record<string, string>>
}

/** An archive of source code, named by its content. */
export interface Source {
  readonly sha256: string
  open(): Promise<Readable>
}

/** What to run: a handler of a language's own shim, or a command that listens on $PORT. */
export type Program =
  | { readonly kind: 'python'; readonly handler: string }
  | { readonly kind: 'node'; readonly handler: string }
  | { readonly kind: 'command'; readonly command: string }

export interface RunningInstance {
  readonly key: string
  /** Operating system's id of the process, where the runtime has one. */
  readonly pid: number | undefined
  /** Where it answers HTTP, without a trailing slash. */
  readonly url: string
  /** True when it accepts requests now. */
  check(signal: AbortSignal): Promise<boolean>
  /** What it prints, from a position on, until it has ended and all is read. */
  output(from: Position, signal: AbortSignal): AsyncIterable<OutputBatch>
  /** Tells that everything before `position` is safe, so that its room can be given back. */
  release(position: Position): Promise<void>
  /** Resolves when the process has ended. Never rejects. */
  readonly exited: Promise<Exit>
  /** SIGTERM, and SIGKILL to the whole process group after `graceMs`; resolves with the exit. */
  stop(graceMs: number): Promise<Exit>
  /** Removes what is kept of it, output included. Only after it has exited. */
  discard(): Promise<void>
}

export interface Leftover {
  readonly key: string
  output(from: Position, signal: AbortSignal): AsyncIterable<OutputBatch>
  discard(): Promise<void>
}

/** A place in an instance's output, opaque to all but the runtime that made it; `''` is the beginning. */
export type Position = string

export type OutputSource = 'STDOUT' | 'STDERR'

/** Whole lines in the order they were read, and the position behind them: store both in one step. */
export interface OutputBatch {
  readonly lines: readonly OutputLine[]
  readonly position: Position
}

export interface OutputLine {
  readonly source: OutputSource
  /** One line without its end; at most MAX_LINE_BYTES of UTF-8; invalid bytes and NUL written as `\xNN`. */
  readonly text: string
}

/** Longest line kept whole; longer ones are split, never dropped (contract abeja 4.3). */
export const MAX_LINE_BYTES = 250_000

export interface Exit {
  readonly code: number | null
  readonly signal: string | null
}

/** The process could not be started; the message is for the user. */
export class StartFailed extends Error {}
