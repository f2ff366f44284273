import { inspect } from 'node:util'
import {
  WorkerCompleteDocument,
  WorkerCompleteManyDocument,
  WorkerFailDocument,
  WorkerReleaseDocument,
  type JobStatus,
} from '../generated/operations/graphql.ts'
import { gathered } from '../kit/gathered.ts'
import { JsonText } from '../kit/json/json.ts'
import { ask, done, Refused, type Post } from './api.ts'
import { messageOf } from './events.ts'
import { LeaseLost, NonRetryable } from './job.ts'
import { stubbornly, type Stubbornness } from './stubborn.ts'

/** Longest text of an error that is sent, in characters. */
const MAX_TEXT = 10_000
/** Longest result that is sent together with others, in characters: so many of them are a small request. */
const MAX_SMALL = 2_000

/** Its signal ends all waiting for the server. */
export interface ReporterOptions extends Stubbornness {
  readonly post: Post
  readonly timeoutMs: number
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
    const isSmall = input.result.text.length <= MAX_SMALL
    await this.#insist(async (options) => {
      if (isSmall) return done(await completeTogether(this.#options, input))
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

interface Completion {
  readonly jobId: string
  readonly fence: string
  readonly result: JsonText
}

/** Delivers small results: those that are ready while an earlier request is on its way, with the next. */
const completeTogether = gathered(
  ({ post }: ReporterOptions) => post,
  async ({ post, ...options }, completions: readonly Completion[]) => {
    const input = { jobs: [...completions] }
    const { completeJobs } = await ask(post, WorkerCompleteManyDocument, { input }, options)
    return done(completeJobs).completions
  },
  (cause) => cause instanceof Refused && !cause.isOfWorker,
)

/** The result as it will be sent. Throws NonRetryable for what is no JSON. */
function plain(result: unknown): JsonText {
  if (result instanceof JsonText) return result
  try {
    const text = JsonText.of(result)
    // what JSON.stringify writes for what is no number
    if (text.text.includes('null')) JSON.stringify(result, asNumber)
    return text
  } catch (cause) {
    throw new NonRetryable(`The result is no JSON: ${messageOf(cause)}`, { cause })
  }
}

/** Throws for a number that JSON has no word for. */
function asNumber(key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isFinite(value)) return value
  const what = key === '' ? 'it' : JSON.stringify(key)
  throw new RangeError(`${what} is ${value}, which JSON has no word for: give null or a text.`)
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
