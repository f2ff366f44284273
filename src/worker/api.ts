import type { TypedDocumentString } from '../generated/operations/graphql.ts'
import type { ErrorCode } from '../kit/errors.ts'
import { stringify } from '../kit/json/json.ts'
import { outlookOf } from '../kit/outlook.ts'
import { asOption } from '../kit/organization-words.ts'
import { LeaseLost } from './job.ts'
import { send } from './send.js'
import { reasonOf } from './words.js'

/** Where a worker's server is. */
export interface Endpoint {
  /** Of the door for GraphQL. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** What has come back. */
export interface HttpReply {
  readonly status: number
  readonly text: string
}

interface PostOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** Sends a body and answers what comes back. Throws Away when nothing does, and the reason of the signal when that fires. */
export type Post = (body: string, options: PostOptions) => Promise<HttpReply>

/** Sends to an endpoint. */
export const postTo =
  (endpoint: Endpoint): Post =>
  async (body, { timeoutMs, signal }) => {
    signal.throwIfAborted()
    const call = new AbortController()
    const stop = (): void => call.abort()
    const timer = setTimeout(() => call.abort(new Error('no answer in time')), timeoutMs)
    signal.addEventListener('abort', stop)
    try {
      return await send(endpoint, body, call.signal)
    } catch (cause) {
      signal.throwIfAborted()
      throw new Away(reasonOf(cause), false)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
    }
  }

/**
 * The server cannot answer now, and may later. `isFault` tells a fault of the server from an outage (nobody answers, a
 * proxy does, or the server says that something it needs is away): what is away comes back, a fault may stay.
 */
export class Away extends Error {
  readonly isFault: boolean
  constructor(reason: string, isFault: boolean) {
    super(reason)
    this.isFault = isFault
  }
}

/** Codes of answers to a worker that is not let in. */
const OF_WORKER: ReadonlySet<string> = new Set<ErrorCode>(['UNAUTHENTICATED', 'FORBIDDEN'])

/** The server says no, and would say so again. */
export class Refused extends Error {
  override readonly name = 'Refused'
  /** As in `enum ErrorCode` of the API. */
  readonly code: string
  constructor(code: string, message: string) {
    super(asOption(message))
    this.code = code
  }

  /** Whether it is the worker that is not let in, or does not know where to, rather than one thing it said. */
  get isOfWorker(): boolean {
    return OF_WORKER.has(this.code)
  }
}

/** Codes of answers that another time may be others. */
const PASSING: ReadonlySet<string> = new Set<ErrorCode>([
  'UNAVAILABLE',
  'TIMEOUT',
  'INTERNAL',
  'QUOTA_REACHED',
])

interface Problem {
  readonly code: string
  readonly message: string
  readonly issues?: readonly { readonly path: readonly string[]; readonly message: string }[]
}

interface Answer<Data> {
  readonly data?: Data | null
  readonly errors?: readonly GraphQLError[] | null
}

/** Millrace's have both; a proxy may write anything. */
interface GraphQLError {
  readonly message?: string
  readonly extensions?: { readonly code?: string }
}

/**
 * Sends one operation. Throws Away where another try may help, Refused where none does, and the reason of the signal
 * when that fires.
 */
export async function ask<Result, Variables>(
  post: Post,
  document: TypedDocumentString<Result, Variables>,
  variables: NoInfer<Variables>,
  options: PostOptions,
): Promise<Result> {
  const body = stringify({ query: document.toString(), variables })
  const { status, text } = await post(body, options)
  const { data, errors } = parsed<Result>(text)
  const { message = '', extensions } = errors?.[0] ?? {}
  if (extensions?.code !== undefined) throw errorOf(status, extensions.code, message)
  // such as of a proxy whose server is away
  if (data == null) throw new Away(`an answer with status ${status} that is not Millrace's`, false)
  return data
}

/** A top-level error as it is thrown. */
function errorOf(status: number, code: string, message: string): Away | Refused {
  // a request that is too large has the code of a rate, but no hope
  return PASSING.has(code) && status !== 413 ? awayFor(code, message) : new Refused(code, message)
}

const awayFor = (code: string, message: string): Away =>
  new Away(message, outlookOf(code) !== 'passes')

function parsed<Data>(text: string): Answer<Data> {
  try {
    const answer: unknown = JSON.parse(text)
    // the server's own schema made it, and codegen made the type from that
    return typeof answer === 'object' && answer !== null ? answer : {}
  } catch {
    return {}
  }
}

/** What a mutation was to do. Throws LeaseLost, Away or Refused when it was not done. */
export function done<Outcome extends object>(
  outcome: Outcome,
): Exclude<Outcome, { code: unknown; message: unknown }> {
  if (isProblem(outcome)) throw thrownFor(outcome)
  // Exclude says of the type what isProblem has just said of the value
  return outcome as Exclude<Outcome, { code: unknown; message: unknown }>
}

const isProblem = (outcome: object): outcome is Problem => 'code' in outcome && 'message' in outcome

function thrownFor({ code, message, issues = [] }: Problem): Error {
  if (code === 'STALE_LEASE') return new LeaseLost()
  if (PASSING.has(code)) return awayFor(code, message)
  const all = issues.map(({ path, message: why }) => `${path.join('.') || 'input'}: ${why}`)
  return new Refused(code, all.length === 0 ? message : all.join('; '))
}
