import type { Readable } from 'node:stream'

/**
 * A Runtime runs the instances of services. It keeps what they print until the caller has it safe: output is
 * read by position, and a position may be handed to a later process of this server, so that nothing an
 * instance printed is lost or told twice when the server is killed.
 */
export interface Runtime {
  /** What it can run on this machine, and how far programs are kept apart. */
  readonly facts: RuntimeFacts
  /**
   * Starts one process. Resolves once it runs (not: once it is healthy). Throws StartFailed with a sentence for the user,
   * and UserTaken.
   */
  start(spec: InstanceSpec): Promise<RunningInstance>
  /**
   * What an earlier server with the same data folder left behind: processes that were ended before this resolves, and,
   * where a runtime can find them again, processes that still run, which the caller ends. Output is there to be read,
   * and must be followed by `discard()`.
   */
  leftovers(): Promise<readonly Leftover[]>
  /** Ends every process this runtime started and frees what it holds. */
  close(): Promise<void>
}

/** What a runtime can do where it is. */
export interface RuntimeFacts {
  /** Users of the operating system that it runs services as, one each; undefined where it may not change users. */
  readonly users: UserRange | undefined
  /** Why programs can reach the server and each other, as a sentence; undefined where they cannot. */
  readonly unwalled: string | undefined
  /** Whether an instance gets the processors and the memory of its size. */
  readonly heedsSize: boolean
  /** The kinds of programs, and which of them can be run. */
  readonly languages: readonly Language[]
}

/** A kind of program. */
export interface Language {
  readonly kind: Program['kind']
  /** Of what runs it, where that has one. */
  readonly version: string | undefined
  /** Why it cannot be run, as a sentence; undefined where it can. */
  readonly unavailable: string | undefined
}

/** Numbers of users, both included. */
export interface UserRange {
  readonly first: number
  readonly last: number
}

export interface InstanceSpec {
  /** Unique per process started: the instance and its restart, `<uuid>.<restarts>`. Names the folder of its output. */
  readonly key: string
  readonly source: ProgramSource
  readonly program: Program
  /** The user of the operating system whose processes these are, out of `facts.users` where there are any. */
  readonly user: number | undefined
  /** Name of its instance type. */
  readonly size: string
  /** The whole environment but PORT, PATH and what the runtime itself must add; nothing of the server's leaks in. */
  readonly environment: Readonly<Record<string, string>>
}

/** An archive of source code, named by its content. */
export interface ProgramSource {
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
  /** What a request must carry to be answered, where others than the server reach its address. */
  readonly headers: Readonly<Record<string, string>>
  /** True when it accepts requests now. Throws AddressTaken when somebody else does in its place. */
  check(signal: AbortSignal): Promise<boolean>
  /** What it prints, from a position on, until it has ended and all is read. */
  output(from: Position, signal: AbortSignal): AsyncIterable<OutputBatch>
  /** Tells that everything before `position` is safe, so that its room can be given back. */
  release(position: Position): Promise<void>
  /** Resolves when the process has ended. Never rejects. */
  readonly exited: Promise<InstanceExit>
  /** SIGTERM, and SIGKILL to the whole process group after `graceMs`; resolves with the exit. */
  stop(graceMs: number): Promise<InstanceExit>
  /** Removes what is kept of it, output included. Only after it has exited. */
  discard(): Promise<void>
}

export interface Leftover {
  readonly key: string
  /** Set where the process still runs. */
  readonly running?: RunningInstance
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
  /** The program has not ended the line yet: the next line of this source is a later state of it, and takes its place. */
  readonly isUnfinished?: true
}

/** Longest line kept whole; longer ones are split, never dropped (contract abeja 4.3). */
export const MAX_LINE_BYTES = 250_000

export interface InstanceExit {
  readonly code: number | null
  readonly signal: string | null
}

/** Requests to the process would reach somebody else; the message says whom, and goes on from the name of the process. */
export class AddressTaken extends Error {}

/** The process could not be started; the message is for the user. */
export class StartFailed extends Error {}

/** Somebody else on this machine has the user of the operating system that it was to run as: try another number. */
export class UserTaken extends Error {}
