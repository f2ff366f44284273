import { CloseCode, createClient, MessageType } from 'graphql-ws'
import { WebSocket } from 'ws'
import { persistent, resumable } from '../client/index.ts'
import type { TypedDocumentString } from '../generated/operations/graphql.ts'
import { authorization, isPassing, refusalOf, type ApiError, type ServerAccess } from './api.ts'
import { Presence } from './presence.ts'
import { reasonOf, Refusal } from './refusal.ts'

/** A connection that lasts so long is one of a server that can serve. */
const SETTLED_MS = 1_000

/**
 * Follows a subscription for as long as it has something to tell, through every cut and every outage: it tries again
 * without end and goes on where it was. Says on stderr when the server is away and when it is back. Ends when the
 * stream does.
 */
export async function* follow<Result, Variables extends Record<string, unknown>>(
  server: ServerAccess,
  document: TypedDocumentString<Result, Variables>,
  variables: NoInfer<Variables>,
): AsyncGenerator<Result, void, undefined> {
  const presence = server.presence ?? new Presence(server.url)
  let settling: NodeJS.Timeout | undefined
  const away = (reason: string): void => {
    clearTimeout(settling)
    presence.away(reason)
  }
  const back = (): void => {
    clearTimeout(settling)
    presence.back()
  }
  const client = persistent(createClient, {
    url: `${server.url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: authorization(server),
    on: {
      // a server whose database is away may take a connection, and close it again
      connected: () => (settling = setTimeout(back, SETTLED_MS)),
      message(message) {
        if (message.type === MessageType.Next) back()
        if (message.type !== MessageType.Error) return
        const errors = message.payload.map(withCode)
        if (errors.every(isPassing)) away(errors.map(({ message: why }) => why).join(' '))
      },
      error: (cause) => away(messageIn(cause)),
      closed(event) {
        clearTimeout(settling)
        const { code = 0, reason } = closeOf(event)
        if (!FINAL.has(code)) away(WHY[code] ?? (reason || 'the connection was lost'))
      },
    },
  })
  const results = resumable(client).iterate<Result>({ query: document.toString(), variables })
  try {
    for await (const { data, errors } of results) {
      if (errors !== undefined) throw refusalOf(server, errors.map(withCode))
      if (data != null) yield data
    }
  } catch (error) {
    throw translated(server, error)
  } finally {
    clearTimeout(settling)
    await client.dispose()
  }
}

/** Close codes of a socket that nobody opens again: it has served its purpose, or the credential is refused. */
const FINAL: ReadonlySet<number> = new Set([1000, CloseCode.Forbidden])
/** What other close codes stand for. */
const WHY: Readonly<Record<number, string>> = {
  1001: 'the server is stopping',
  1012: 'the server is restarting',
  1013: 'the server cannot serve requests at the moment',
  4499: 'the connection is silent', // of the client's own
}

const FORBIDDEN: ApiError = {
  message: 'The token is unknown, has expired or was revoked.',
  extensions: { code: 'UNAUTHENTICATED' },
}

function withCode({ message, extensions }: { message: string; extensions?: unknown }): ApiError {
  const code =
    typeof extensions === 'object' && extensions !== null && 'code' in extensions
      ? String(extensions.code)
      : ''
  return { message, extensions: { code } }
}

/** graphql-ws throws errors, lists of GraphQL errors and events of the socket. */
function translated(server: ServerAccess, error: unknown): Error {
  if (Array.isArray(error)) return refusalOf(server, error.map(withCode))
  const { code, reason } = closeOf(error)
  // the server closes the socket of whoever it does not know
  if (code === CloseCode.Forbidden) return refusalOf(server, [FORBIDDEN])
  if (code !== undefined)
    return new Refusal(
      `Millrace at ${server.url} closed the connection: ${reason || `code ${code}`}.`,
    )
  return error instanceof Error ? error : new Refusal(reasonOf(error))
}

/** Of what a socket was closed with; nothing of anything else. */
function closeOf(event: unknown): { code?: number; reason?: string } {
  if (typeof event !== 'object' || event === null || !('code' in event && 'reason' in event))
    return {}
  return { code: Number(event.code), reason: String(event.reason) }
}

/** What an event of a socket says of its error. */
const messageIn = (cause: unknown): string =>
  typeof cause === 'object' && cause !== null && 'message' in cause && cause.message !== ''
    ? String(cause.message)
    : reasonOf(cause)
