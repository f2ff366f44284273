import { RunningCommand } from '../../../../testkit/cli.ts'
import type { Client } from '../../../../testkit/client.ts'
import type { Entry, Stream } from '../streams.ts'
import { Notes, type Follower } from './follower.ts'

export interface Commanded extends Follower {
  /** Stops it; what `--verify` found then. */
  verified(): Promise<{ readonly report: string }>
}

/** With `millrace logs -f --verify`, a process of its own. */
export function byCommand(client: Client, stream: Stream, serviceId: string): Commanded {
  const notes = new Notes()
  const command = new RunningCommand(['logs', serviceId, '-f', '--verify', '--json'], {
    env: { MILLRACE_URL: client.url, MILLRACE_TOKEN: client.token ?? '' },
    onLine(text) {
      const { number, at, source, text: line } = JSON.parse(text) as Record<string, string>
      const entry: Entry = { number: Number(number), at: at ?? '', what: `${source} ${line}` }
      notes.add([entry], '')
    },
  })
  let isClosed = false
  const ended = command.ended().then(({ code, stderr }) => {
    if (!isClosed) notes.end(`ended with ${code}: ${stderr.trim().split('\n').at(-1)}`)
    return { report: stderr.trim().split('\n').at(-1) ?? '' }
  })
  return Object.assign(notes, {
    name: `${stream.name} by millrace logs -f --verify`,
    stream,
    async close() {
      isClosed = true
      command.signal('SIGTERM')
      await ended
    },
    async verified() {
      await this.close()
      return ended
    },
  })
}
