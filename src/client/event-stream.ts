/** Longer than the pauses between the comments that the server sends over a stream with no events. */
const SILENCE_MS = 30_000

/** An answer that stays the same however often it is asked for. */
export class FinalRefusal extends Error {
  override readonly name = 'Refusal'
}

/** Why an answer is one: the credential is none or not good for this, or the client has another mode. */
const FINAL: ReadonlyMap<number, string> = new Map([
  [401, 'The server refuses the credential (status 401).'],
  [403, 'The server refuses the credential (status 403).'],
  [
    405,
    'The server has no single connection mode (status 405): use distinct connections, or graphql-ws.',
  ],
])

/**
 * `fetch` as graphql-sse needs it. A stream that says nothing for 30 s is one whose server has vanished, and breaks.
 * And what ends or breaks a stream comes in a turn of its own: together with the last event graphql-sse would not
 * notice the one, and take the other for final. `refused` is told whether an answer is final.
 */
export function fetchEvents(
  fetchFn: typeof fetch,
  refused: (refusal: FinalRefusal | undefined) => void,
): typeof fetch {
  return async (...args) => {
    const response = await fetchFn(...args)
    const why = FINAL.get(response.status)
    refused(why === undefined ? undefined : new FinalRefusal(why))
    return response.ok && response.body !== null
      ? new Response(attentive(response.body), response)
      : response
  }
}

function attentive(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const silence = setTimeout(
        () => void reader.cancel(new Error('The event stream has fallen silent.')),
        SILENCE_MS,
      )
      try {
        const { done, value } = await reader.read()
        if (!done) return controller.enqueue(value)
        await nextTurn()
        controller.close()
      } catch (cause) {
        await nextTurn()
        throw cause
      } finally {
        clearTimeout(silence)
      }
    },
    cancel: (reason) => reader.cancel(reason),
  })
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))
