/** Longer than the pauses between the comments that the server sends over a stream with no events. */
const SILENCE_MS = 30_000

/** An answer to whoever has no credential, or one that is not good for what it asks. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  constructor(status: number) {
    super(`The server refuses the credential (status ${status}).`)
  }
}

/**
 * `fetch` as graphql-sse needs it. A stream that says nothing for 30 s is one whose server has vanished, and breaks.
 * And what ends or breaks a stream comes in a turn of its own: together with the last event graphql-sse would not
 * notice the one, and take the other for final. `refused` is told whether an answer refuses the credential.
 */
export function fetchEvents(
  fetchFn: typeof fetch,
  refused: (refusal: Refusal | undefined) => void,
): typeof fetch {
  return async (...args) => {
    const response = await fetchFn(...args)
    const isRefused = response.status === 401 || response.status === 403
    refused(isRefused ? new Refusal(response.status) : undefined)
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
