const SILENCE_MS = 10_000
const LONGEST_WAIT_MS = 5_000
const FORBIDDEN = 4403

/** What graphql-ws is told, to try again without end. */
const patience = {
  retryAttempts: Infinity,
  shouldRetry: (cause: unknown): boolean => codeOf(cause) !== FORBIDDEN,
  retryWait: (tries: number): Promise<void> =>
    pause(Math.min(250 * 2 ** tries, LONGEST_WAIT_MS) * (0.5 + Math.random() / 2)),
  keepAlive: SILENCE_MS,
  connectionAckWaitTimeout: SILENCE_MS,
}

/** A client of graphql-ws, as far as it matters here. */
export interface SocketClient {
  on(event: 'ping' | 'pong' | 'closed', listener: (value: unknown) => void): () => void
  terminate(): void
}

/**
 * A client of graphql-ws that never gives up. By itself graphql-ws does when the server refuses a connection, as a
 * server does while it restarts; waits longer each time, without limit; and does not see that a machine has vanished
 * (a network that is gone closes nothing). This one waits 5 s at most, asks for a sign of life every 10 s and waits as
 * long for it, and ends only when the credential is refused: then each subscription gets the close event, code 4403,
 * as its error.
 *
 *     const client = resumable(persistent(createClient, { url: 'ws://127.0.0.1:4000/graphql' }))
 *
 * Options of yours win over these.
 */
export function persistent<Create extends (options: never) => SocketClient>(
  createClient: Create,
  options: Parameters<Create>[0],
): ReturnType<Create> {
  // the library's generic function, seen as what it does with any options
  const create = createClient as unknown as (options: object) => ReturnType<Create>
  const all = { ...patience, ...(options as Partial<typeof patience>) }
  const client = create(all)
  let silence: ReturnType<typeof setTimeout> | undefined
  const heard = (): void => clearTimeout(silence)
  client.on('ping', (isTheirs: unknown) => {
    if (isTheirs !== true) silence = setTimeout(() => client.terminate(), all.keepAlive)
  })
  client.on('pong', heard)
  client.on('closed', heard)
  return client
}

const codeOf = (cause: unknown): unknown =>
  typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
