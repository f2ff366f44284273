import { setTimeout as pause } from 'node:timers/promises'
import { Client } from '../../../../testkit/client.ts'
import type { Stream } from '../streams.ts'
import { Notes, type Follower } from './follower.ts'

const EVERY_MS = 200
/** After so long without an answer it asks again. */
const PATIENCE_MS = 10_000

/** With plain queries, each behind the cursor of the one before; what fails is asked again. */
export function byPages(client: Client, stream: Stream): Follower {
  const notes = new Notes()
  const stopping = new AbortController()
  const asking = new Client(client.url, client.token, PATIENCE_MS)
  async function follow(): Promise<void> {
    for (let after = stream.from; !stopping.signal.aborted;) {
      const page = await stream.page?.(asking, after).catch(() => undefined)
      notes.add(page?.entries ?? [], page?.cursor ?? after)
      after = page?.cursor ?? after
      if (page?.hasNext !== true) await pause(EVERY_MS)
    }
  }
  const following = follow()
  return Object.assign(notes, {
    name: `${stream.name} by pages`,
    stream,
    async close() {
      stopping.abort()
      await following
    },
  })
}
