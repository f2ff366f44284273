import { createClient, type Client as SocketClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import type { TypedDocumentString } from './generated/graphql.ts'

export interface Answer<Data> {
  readonly data?: Data | null
  readonly errors?: readonly {
    message: string
    path?: unknown
    extensions?: Record<string, unknown>
  }[]
  readonly extensions?: Record<string, unknown>
}

type Document<Data, Variables> = TypedDocumentString<Data, Variables>

/** A caller of the public API with one credential, or none. */
export class Client {
  readonly url: string
  readonly token: string | undefined
  readonly #patienceMs: number | undefined

  /** `patienceMs`: after so long without an answer an operation fails. */
  constructor(url: string, token: string | undefined, patienceMs?: number) {
    this.url = url
    this.token = token
    this.#patienceMs = patienceMs
  }

  get headers(): Record<string, string> {
    return this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }
  }

  /** The whole answer to an operation, errors included. */
  async execute<Data, Variables>(
    document: Document<Data, Variables>,
    ...[variables]: Variables extends Record<string, never> ? [] : [Variables]
  ): Promise<Answer<Data>> {
    const response = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...this.headers },
      body: JSON.stringify({ query: document.toString(), variables }),
      signal: this.#patienceMs === undefined ? null : AbortSignal.timeout(this.#patienceMs),
    })
    return (await response.json()) as Answer<Data> // the schema's own types
  }

  /** The data of an operation that must succeed; what went wrong is thrown with all that helps to see why. */
  async request<Data, Variables>(
    document: Document<Data, Variables>,
    ...args: Variables extends Record<string, never> ? [] : [Variables]
  ): Promise<Data> {
    const answer = await this.execute(document, ...args)
    if (answer.errors !== undefined || answer.data == null)
      throw new Error(
        `${JSON.stringify(answer.errors, null, 2)}\n${document.toString()}\n${JSON.stringify(args[0])}`,
      )
    return answer.data
  }

  /** A graphql-ws client with this credential; whoever makes it disposes it. */
  socket(): SocketClient {
    return createClient({
      url: `${this.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: this.headers,
      retryAttempts: 0,
    })
  }
}
