import type { Right } from '../auth/noted-rights.ts'
import type { Context } from '../context.ts'
import { Forbidden } from '../kit/errors.ts'

/** The events of a source. The signal fires when there will be no more, though some be on their way. */
export interface Events {
  readonly signal: AbortSignal
  next(): Promise<IteratorResult<unknown>>
  return(): Promise<void>
}

/** The events of a source until its viewer is good for less in what it needs: then they end with Forbidden. */
export function whileAllowed(
  ctx: Context,
  source: AsyncIterator<unknown>,
  rights: readonly Right[],
): Events {
  const over = new AbortController()
  const session = ctx.sessions.open(ctx.viewer, {
    needed: rights.length === 0 ? undefined : [...rights],
    changed: (viewer) => (ctx.viewer = viewer),
    close() {
      over.abort(new RightsLost())
      ctx.cut?.() // over an event stream an error would be one more event
      void source.return?.() // so that what waits for the next event waits no more
    },
  })
  const ended = (): IteratorResult<unknown> => {
    if (over.signal.reason instanceof RightsLost) throw over.signal.reason
    return { done: true, value: undefined }
  }
  return {
    signal: over.signal,
    async next() {
      try {
        if (over.signal.aborted) return ended()
        const step = await source.next()
        if (over.signal.aborted) return ended()
        if (step.done) session.end()
        return step
      } catch (cause) {
        session.end()
        throw cause
      }
    },
    async return() {
      over.abort()
      session.end()
      await source.return?.()
    },
  }
}

/** The viewer of something that goes on is no longer good for what it needs. */
class RightsLost extends Forbidden {
  constructor() {
    super('WORKER', 'You may no longer follow this: your rights in the organization have changed.')
  }
}
