import type { Socket } from 'node:net'

/** How long a pipe is read on when there is nothing in it. */
const GRACE_MS = 2_000
/** How much may come all the same: more than a pipe holds, so that all that was written before is among it. */
const GRACE_BYTES = 2 * 1024 * 1024
const LOOK_EVERY_MS = 100

/**
 * What comes out of a pipe, until its end. From when `over` fires, a short grace is enough: whoever still holds the pipe
 * then could not be found, and is not waited for.
 */
export async function* untilEnd(
  pipe: Socket,
  over: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  let isGivenUp = false
  let look: NodeJS.Timeout | undefined
  const watch = (): void => {
    const most = pipe.bytesRead + GRACE_BYTES
    let emptyMs = 0
    look = setInterval(() => {
      // what is read and not taken yet keeps the pipe waiting
      if (pipe.readableLength === 0) emptyMs += LOOK_EVERY_MS
      isGivenUp = emptyMs >= GRACE_MS || pipe.bytesRead > most
      if (isGivenUp) pipe.destroy()
    }, LOOK_EVERY_MS)
  }
  over.addEventListener('abort', watch, { once: true })
  try {
    if (over.aborted) watch()
    yield* pipe as AsyncIterable<Buffer> // it has no encoding
  } catch (cause) {
    if (!isGivenUp) throw cause
  } finally {
    over.removeEventListener('abort', watch)
    clearInterval(look)
  }
}
