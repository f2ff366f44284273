import { fetchEvents, type FinalRefusal } from './event-stream.ts'
import { memberOf } from './failures.ts'
import { waitMs } from './wait.ts'

const SILENCE_MS = 10_000
const FORBIDDEN = 4403

/** A client of graphql-ws, as far as it matters here. */
export interface SocketClient {
  on(event: 'ping' | 'pong' | 'message' | 'closed', listener: (value: unknown) => void): () => void
  terminate(): void
}

/**
 * A client of graphql-ws or graphql-sse that never gives up. By themselves they do after five tries; wait longer each
 * time, without limit; and do not see that a machine has vanished (a network that is gone closes nothing). This one
 * tries without end and waits 5 s at most, through restarts and outages of whatever length. Over WebSocket it asks for
 * a sign of life every 10 s and waits as long for it, over SSE it waits 30 s for the next sign. It ends only when the
 * credential is refused: then each subscription gets the close event, code 4403, as its error, over SSE one that says
 * so.
 *
 *     const client = resumable(persistent(createClient, { url: 'ws://127.0.0.1:4000/graphql' }))
 *
 * Options of yours win over these.
 */
export function persistent<Create extends (options: never) => object>(
  createClient: Create,
  options: Parameters<Create>[0],
): ReturnType<Create> {
  // the libraries' generic functions, seen as what they do with any options
  const create = createClient as unknown as (options: object) => ReturnType<Create>
  const given = options as Given
  // graphql-ws counts anew with each connection, and a server whose database is away may take one and close it again
  let tries = 0
  let refusal: FinalRefusal | undefined
  const all = {
    retryAttempts: Infinity,
    ...patienceOverSocket(() => (tries += 1)),
    async retry(retries: number) {
      if (refusal !== undefined) throw refusal // which graphql-sse passes on
      await pause(retries)
    },
    ...given,
    fetchFn: fetchEvents(given.fetchFn ?? fetch, (refused) => (refusal = refused)),
  }
  const client = create(all)
  if (isSocketClient(client)) listen(client, all.keepAlive, () => (tries = 0))
  return client
}

type Given = { readonly fetchFn?: typeof fetch } & Partial<ReturnType<typeof patienceOverSocket>>

/** What graphql-ws is told; `tried` counts its tries. */
const patienceOverSocket = (tried: () => number) => ({
  shouldRetry: (cause: unknown): boolean => memberOf(cause, 'code') !== FORBIDDEN,
  retryWait: (): Promise<void> => pause(tried() - 1),
  keepAlive: SILENCE_MS,
  connectionAckWaitTimeout: SILENCE_MS,
})

const pause = (tries: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, waitMs(tries)))

const isSocketClient = (client: object): client is SocketClient =>
  'on' in client && 'terminate' in client

/** Ends the connection when no sign of life comes; `heard` is told of one. */
function listen(client: SocketClient, silenceMs: number, heard: () => void): void {
  let silence: ReturnType<typeof setTimeout> | undefined
  client.on('ping', (isTheirs) => {
    if (isTheirs !== true) silence = setTimeout(() => client.terminate(), silenceMs)
  })
  client.on('pong', (isTheirs) => {
    clearTimeout(silence)
    if (isTheirs === true) heard()
  })
  client.on('message', (message) => {
    if (memberOf(message, 'type') === 'next') heard()
  })
  client.on('closed', () => clearTimeout(silence))
}
