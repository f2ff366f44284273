import { CloseCode, createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { persistent, resumable } from '../client/index.ts'
import type { TypedDocumentString } from '../generated/operations/graphql.ts'
import { authorization, refusalOf, type ApiError, type Server } from './api.ts'
import { note } from './output.ts'
import { reasonOf, Refusal } from './refusal.ts'

const LONGEST_WAIT_MS = 2_000

/**
 * Follows a subscription for as long as it has something to tell, through every cut: it tries again without end and
 * goes on where it was. Says on stderr when the connection is gone and when it is back. Ends when the stream does.
 */
export async function* follow<Result, Variables extends Record<string, unknown>>(
  server: Server,
  document: TypedDocumentString<Result, Variables>,
  variables: NoInfer<Variables>,
): AsyncGenerator<Result, void, undefined> {
  let isLost = false
  const lose = (): void => {
    if (!isLost) note(`The connection to ${server.url} is lost; trying again until it is back …`)
    isLost = true
  }
  const client = persistent(createClient, {
    url: `${server.url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: authorization(server),
    retryWait: (tries) => pause(Math.min(100 * 2 ** tries, LONGEST_WAIT_MS)),
    on: {
      connecting: (isRetry) => isRetry && lose(),
      connected() {
        if (isLost) note('The connection is back.')
        isLost = false
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
    await client.dispose()
  }
}

const FORBIDDEN: ApiError = {
  message: 'The credential is not known, has expired or was revoked.',
  extensions: { code: 'UNAUTHENTICATED' },
}

/** The server closes the socket of whoever it does not know. */
function isForbidden(cause: unknown): boolean {
  const closed = typeof cause === 'object' && cause !== null && 'code' in cause
  return closed && cause.code === CloseCode.Forbidden
}

function withCode({ message, extensions }: { message: string; extensions?: unknown }): ApiError {
  const code =
    typeof extensions === 'object' && extensions !== null && 'code' in extensions
      ? String(extensions.code)
      : ''
  return { message, extensions: { code } }
}

/** graphql-ws throws errors, lists of GraphQL errors and events of the socket. */
function translated(server: Server, error: unknown): Error {
  if (Array.isArray(error)) return refusalOf(server, error.map(withCode))
  if (typeof error === 'object' && error !== null && 'code' in error && 'reason' in error) {
    if (isForbidden(error)) return refusalOf(server, [FORBIDDEN])
    const why = String(error.reason) || `code ${String(error.code)}`
    return new Refusal(`Millrace at ${server.url} has ended the connection: ${why}.`)
  }
  return error instanceof Error ? error : new Refusal(reasonOf(error))
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
