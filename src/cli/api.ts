import {
  CliOwnRolesDocument,
  type ErrorCode,
  type Role,
  type TypedDocumentString,
} from '../generated/operations/graphql.ts'
import { stringify } from '../kit/json/json.ts'
import { outlookOf } from '../kit/outlook.ts'
import { asOption } from '../kit/organization-words.ts'
import { Presence } from './presence.ts'
import { ServerAway, Refusal } from './refusal.ts'

/** The address of Millrace, and the caller. */
export interface ServerAccess {
  readonly url: string
  readonly token: string | undefined
  /** Handle, id or address of the organization to act in; all of the caller's where none is named. */
  readonly organization: string | undefined
  /** Of commands that follow or wait (`followed`): what they read is read again until it is answered. */
  readonly presence?: Presence
}

/** The same server for a command that follows or waits: what it reads there, it reads through every outage. */
export const followed = (server: ServerAccess): ServerAccess =>
  server.presence === undefined ? { ...server, presence: new Presence(server.url) } : server

interface GraphQLAnswer<Data> {
  readonly data?: Data | null
  readonly errors?: readonly ApiError[]
}

/** A top-level error of GraphQL. */
export interface ApiError {
  readonly message: string
  readonly extensions?: { readonly code?: string }
}

/** A member of a mutation's result that says why it was not done. */
interface Problem {
  readonly code: ErrorCode
  readonly message: string
  readonly issues?: readonly { readonly path: readonly string[]; readonly message: string }[]
}

export function authorization({ token, organization }: ServerAccess): Record<string, string> {
  if (organization !== undefined) {
    const basic = Buffer.from(`${organization}:${token ?? ''}`).toString('base64')
    return { authorization: `Basic ${basic}` }
  }
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

/** Of a request that got no answer, for whatever cause. */
export const unreachable = ({ url }: ServerAccess, cause?: unknown): ServerAway =>
  new ServerAway(
    `There is no response from Millrace at ${url}. Start the server with \`npm start\`, or set MILLRACE_URL to its address.`,
    'no response',
    isTimeout(cause), // somebody listens
  )

const isTimeout = (cause: unknown): boolean =>
  cause instanceof DOMException && cause.name === 'TimeoutError'

/** How long a command that follows waits for the answer to one request. */
const LONGEST_MS = 30_000

/**
 * Sends one operation. Throws a Refusal for whatever stands in its way: at once, but for what a command that follows
 * reads, which waits out every outage. A mutation is sent once.
 */
export async function send<Result, Variables>(
  server: ServerAccess,
  document: TypedDocumentString<Result, Variables>,
  variables: NoInfer<Variables>,
): Promise<Result> {
  const { presence } = server
  const isRead = /^\s*query\b/.test(document.toString())
  return presence !== undefined && isRead
    ? presence.insist(() => ask(server, document, variables))
    : ask(server, document, variables)
}

async function ask<Result, Variables>(
  server: ServerAccess,
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  const response = await post(server, { query: document.toString(), variables })
  const text = await response.text().catch((cause: unknown) => {
    throw unreachable(server, cause)
  })
  const { data, errors } = readAnswer<Result>(text)
  if (errors !== undefined) throw refusalOf(server, await explained(server, errors))
  if (data == null) throw stranger(server, response.status)
  return data
}

/** What answers is not Millrace: a proxy whose server is away, or it is another address that is meant. */
function stranger({ url }: ServerAccess, status: number): Refusal {
  const message = `The server at ${url} is not Millrace (status ${status}). Set MILLRACE_URL to the address of Millrace.`
  return status >= 500 ? new ServerAway(message, `status ${status}`, false) : new Refusal(message)
}

async function post(server: ServerAccess, body: unknown): Promise<Response> {
  try {
    return await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...authorization(server),
      },
      body: stringify(body),
      ...(server.presence === undefined ? {} : { signal: AbortSignal.timeout(LONGEST_MS) }),
    })
  } catch (cause) {
    throw unreachable(server, cause)
  }
}

/** The answer of a GraphQL server, empty when the text is none. */
function readAnswer<Data>(text: string): GraphQLAnswer<Data> {
  try {
    const answer: unknown = JSON.parse(text)
    // the server's own schema made it, and codegen made the type from that
    return typeof answer === 'object' && answer !== null ? answer : {}
  } catch {
    return {}
  }
}

/** Top-level errors as they are told to people. */
export function refusalOf(server: ServerAccess, errors: readonly ApiError[]): Refusal {
  const isUnknown = errors.some(({ extensions }) => extensions?.code === 'UNAUTHENTICATED')
  if (isUnknown && server.token === undefined)
    return new Refusal(
      `Millrace at ${server.url} requires a token: set MILLRACE_TOKEN or use --token.`,
    )
  const message = errors.map(({ message: why }) => asOption(why)).join('\n')
  return errors.every(isPassing) ? new ServerAway(message, message, true) : new Refusal(message)
}

/** Whether another try may not meet it: something is away, or took too long. */
export const isPassing = ({ extensions }: ApiError): boolean =>
  outlookOf(extensions?.code) === 'passes'

/** What a query is told that asks for what a WORKER may not read. */
const CLOSED = /^\w+\.\w+ needs the role (\w+)\.$/

/** The same errors; one sentence for all fields that are closed to a WORKER. */
async function explained(
  server: ServerAccess,
  errors: readonly ApiError[],
): Promise<readonly ApiError[]> {
  const isClosed = errors.every(({ message }) => CLOSED.test(message))
  return isClosed && (await isWorker(server)) ? [{ message: needs('VIEWER') }] : errors
}

/** Whether the caller is a WORKER and no more, to whom services and jobs are not there. */
export async function isWorker(server: ServerAccess): Promise<boolean> {
  const { role, memberships } = (await send(server, CliOwnRolesDocument, {})).viewer
  return role === 'WORKER' && memberships.every((one) => one.role === 'WORKER')
}

/** What a WORKER is told. */
export const needs = (role: Role): string => `This needs the role ${role}; your token has WORKER.`

/** What a mutation was to do. Throws a Refusal with its words, or all its issues, when it was refused. */
export function done<Outcome extends object>(
  outcome: Outcome,
): Exclude<Outcome, { code: ErrorCode }> {
  if (isProblem(outcome)) throw refused(outcome)
  // Exclude says of the type what isProblem has just said of the value
  return outcome as Exclude<Outcome, { code: ErrorCode }>
}

function isProblem(outcome: object): outcome is Problem {
  return 'code' in outcome && 'message' in outcome
}

export function refused({ message, issues }: Problem): Refusal {
  if (issues === undefined || issues.length === 0)
    return new Refusal(CLOSED.test(message) ? needs('DEVELOPER') : message)
  return new Refusal(
    issues
      .map(({ path, message: why }) => `${spelled(path.join('.'))}: ${asOption(why)}`)
      .join('\n'),
  )
}

/** A field of an input as the command line calls it. */
function spelled(path: string): string {
  return path === 'organizationId' ? '--organization' : path || 'input'
}
