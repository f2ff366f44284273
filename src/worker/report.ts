import { inspect } from 'node:util'
import {
  WorkerCompleteDocument,
  WorkerFailDocument,
  WorkerReleaseDocument,
  type JobStatus,
} from '../generated/operations/graphql.ts'
import { ask, done, Refused, type Post } from './api.ts'
import { messageOf } from './events.ts'
import { LeaseLost, NonRetryable } from './job.ts'
import { stubbornly } from './stubborn.ts'

/** Longest text of an error that is sent, in characters. */
const MAX_TEXT = 10_000

export interface ReporterOptions {
  readonly post: Post
  readonly timeoutMs: number
  readonly faultMs: number
  /** Ends all waiting for the server. */
  readonly signal: AbortSignal
}

/**
 * Tells the server what came of a job. Each call goes on through every outage until there is an answer: the fence
 * makes sure that a report that is sent twice, or too late, does no harm. Throws LeaseLost when the job is another's
 * by now or is there no more, GivenUp when the worker may not wait any longer, and whatever else the server says.
 */
export class Reporter {
  readonly #options: ReporterOptions
  readonly #held: { readonly jobId: string; readonly fence: string }

  constructor(held: { jobId: string; fence: string }, options: ReporterOptions) {
    this.#held = held
    this.#options = options
  }

  /** Delivers the result. Throws Refused when it is none that can be accepted. */
  async complete(result: unknown): Promise<void> {
    const input = { ...this.#held, result: plain(result) }
    await this.#insist(async (options) => {
      const { completeJob } = await ask(
        this.#options.post,
        WorkerCompleteDocument,
        { input },
        options,
      )
      return done(completeJob)
    })
  }

  /** Says why the attempt has failed, and answers what became of the job. */
  async fail(error: unknown): Promise<JobStatus> {
    const input = {
      ...this.#held,
      message: sendable(messageOf(error)) || 'The handler failed without a word.',
      detail: detailOf(error),
      isRetryable: !(error instanceof NonRetryable),
    }
    const { job } = await this.#insist(async (options) => {
      const { failJob } = await ask(this.#options.post, WorkerFailDocument, { input }, options)
      return done(failJob)
    })
    return job.status
  }

  /** Gives the job back unharmed. */
  async release(): Promise<void> {
    const input = { jobs: [this.#held] }
    const { jobs } = await this.#insist(async (options) => {
      const { releaseJobs } = await ask(
        this.#options.post,
        WorkerReleaseDocument,
        { input },
        options,
      )
      return done(releaseJobs)
    })
    if (jobs.length === 0) throw new LeaseLost()
  }

  async #insist<T>(
    send: (options: { timeoutMs: number; signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    try {
      return await stubbornly(() => send(this.#options), this.#options)
    } catch (cause) {
      if (cause instanceof Refused && cause.code === 'NOT_FOUND') throw new LeaseLost()
      throw cause
    }
  }
}

/** The result as it will be sent. Throws NonRetryable for what is no JSON. */
function plain(result: unknown): unknown {
  try {
    JSON.stringify(result)
    return result ?? null
  } catch (cause) {
    throw new NonRetryable(`The result is no JSON: ${messageOf(cause)}`, { cause })
  }
}

/** Where an error comes from, and what caused it. */
const detailOf = (error: unknown): unknown =>
  error instanceof Error ? { name: error.name, trace: sendable(inspect(error)) } : null

/** A text without what the API refuses. */
const sendable = (text: string): string =>
  text
    .slice(0, MAX_TEXT)
    .replaceAll('\0', String.raw`\x00`)
    .slice(0, MAX_TEXT)
    .toWellFormed()
