import {
  CliOwnRolesDocument,
  type ErrorCode,
  type Role,
  type TypedDocumentString,
} from '../generated/operations/graphql.ts'
import { stringify } from '../kit/json.ts'
import { asOption } from '../kit/organization-words.ts'
import { Refusal } from './refusal.ts'

/** Where Millrace is and who asks. */
export interface Server {
  readonly url: string
  readonly token: string | undefined
  /** Handle, id or address of the organization to act in; all of the caller's where none is named. */
  readonly organization: string | undefined
}

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

export function authorization({ token, organization }: Server): Record<string, string> {
  if (organization !== undefined) {
    const basic = Buffer.from(`${organization}:${token ?? ''}`).toString('base64')
    return { authorization: `Basic ${basic}` }
  }
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

export const unreachable = ({ url }: Server): Refusal =>
  new Refusal(
    `Millrace does not answer at ${url}. Start it with \`npm start\`, or set MILLRACE_URL.`,
  )

/** Sends one operation. Throws a Refusal for whatever stands in its way. */
export async function send<Result, Variables>(
  server: Server,
  document: TypedDocumentString<Result, Variables>,
  variables: NoInfer<Variables>,
): Promise<Result> {
  const response = await post(server, { query: document.toString(), variables })
  const text = await response.text().catch(() => {
    throw unreachable(server)
  })
  const { data, errors } = readAnswer<Result>(text)
  if (errors !== undefined) throw refusalOf(server, await explained(server, errors))
  if (data == null)
    throw new Refusal(
      `What answers at ${server.url} is not Millrace (status ${response.status}): set MILLRACE_URL.`,
    )
  return data
}

async function post(server: Server, body: unknown): Promise<Response> {
  try {
    return await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...authorization(server),
      },
      body: stringify(body),
    })
  } catch {
    throw unreachable(server)
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
export function refusalOf(server: Server, errors: readonly ApiError[]): Refusal {
  const isUnknown = errors.some(({ extensions }) => extensions?.code === 'UNAUTHENTICATED')
  if (isUnknown && server.token === undefined)
    return new Refusal(
      `Millrace at ${server.url} wants a credential: set MILLRACE_TOKEN, or give --token.`,
    )
  return new Refusal(errors.map(({ message }) => asOption(message)).join('\n'))
}

/** What a query is told that asks for what a WORKER may not read. */
const CLOSED = /^\w+\.\w+ needs the role (\w+)\.$/

/** The same errors; one sentence for all fields that are closed to a WORKER. */
async function explained(
  server: Server,
  errors: readonly ApiError[],
): Promise<readonly ApiError[]> {
  const isClosed = errors.every(({ message }) => CLOSED.test(message))
  return isClosed && (await isWorker(server)) ? [{ message: needs('VIEWER') }] : errors
}

/** Whether the caller is a WORKER and no more, to whom services and jobs are not there. */
export async function isWorker(server: Server): Promise<boolean> {
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
