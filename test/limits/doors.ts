import type { Answer, Client } from '../../testkit/client.ts'

interface Asked extends Answer<Record<string, unknown>> {
  /** Of HTTP. */
  readonly status?: number
  readonly retryAfter?: string | null
}

export interface Operation {
  readonly query: string
  readonly variables?: Record<string, unknown>
  readonly operationName?: string
}

export type Door = (client: Client, operation: Operation) => Promise<Asked>

async function read(response: Response): Promise<Asked> {
  const text = await response.text()
  const { status, headers } = response
  const retryAfter = headers.get('retry-after')
  const json = headers.get('content-type')?.startsWith('text/event-stream')
    ? (/^data: (.+)$/m.exec(text)?.[1] ?? '{}')
    : text
  return { ...(JSON.parse(json) as Answer<Record<string, unknown>>), status, retryAfter } // the server's own form
}

/** One operation through each door; the answer is the first there is. */
export const doors: Record<string, Door> = {
  async POST(client, operation) {
    const response = await fetch(`${client.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...client.headers },
      body: JSON.stringify(operation),
    })
    return read(response)
  },
  async 'POST of application/graphql-response+json'(client, operation) {
    const response = await fetch(`${client.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json',
        ...client.headers,
      },
      body: JSON.stringify(operation),
    })
    return read(response)
  },
  async SSE(client, operation) {
    const response = await fetch(`${client.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        ...client.headers,
      },
      body: JSON.stringify(operation),
    })
    return read(response)
  },
  async WebSocket(client, operation) {
    const socket = client.socket()
    try {
      return await new Promise<Asked>((resolve, reject) => {
        socket.subscribe(operation, {
          next: (result) => resolve(result as Asked), // both name results in their own way
          error: (cause) =>
            Array.isArray(cause) ? resolve({ errors: cause as never }) : reject(cause as Error), // graphql-ws gives GraphQL's errors as a list
          complete: () => resolve({}),
        })
      })
    } finally {
      await socket.dispose()
    }
  },
}
