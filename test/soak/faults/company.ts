import type { Client } from '../../../testkit/client.ts'
import { byCommand, type Commanded } from './followers/by-command.ts'
import { byPages } from './followers/by-pages.ts'
import { COMPLETE, type Follower } from './followers/follower.ts'
import { overEvents } from './followers/over-events.ts'
import { overPosts } from './followers/over-posts.ts'
import { overSocket } from './followers/over-socket.ts'
import type { Stage } from './stage.ts'
import { streamsOf, wakingOf, type Entry, type Stream, type Subjects } from './streams.ts'

/** The log is what everybody follows, and what is heard from all the time. */
const LOG = 'serviceLogs'

/** All that follow, one of each kind of client for each stream, on the servers in turn. */
export class Company {
  readonly streams: readonly Stream[]
  readonly followers: readonly Follower[]
  readonly command: Commanded

  constructor(stage: Stage, subjects: Subjects) {
    const way = (place: number): Client => stage.ways[place % stage.ways.length] ?? stage.direct
    this.streams = streamsOf(subjects)
    const log = this.stream(LOG)
    const waking = wakingOf(subjects)
    this.command = byCommand(way(0), log, subjects.serviceId)
    this.followers = [
      ...this.streams.map((stream, place) => overSocket(way(place), stream)),
      ...this.streams.map((stream, place) => overEvents(way(place + 1), stream)),
      ...this.streams
        .filter(({ page }) => page !== undefined)
        .map((stream, place) => byPages(way(place), stream)),
      overSocket(way(1), log),
      overEvents(way(0), log),
      overPosts(way(0), log),
      overSocket(way(0), waking),
      overEvents(way(1), waking),
      this.command,
    ]
  }

  stream(name: string): Stream {
    const stream = this.streams.find((one) => one.name === name)
    if (stream === undefined) throw new Error(`There is no stream ${name}.`)
    return stream
  }

  /** Those of the log. */
  get ofLog(): readonly Follower[] {
    return this.followers.filter(({ stream }) => stream.name === LOG)
  }

  /** Those that go on and have not come so far; of a stream without entries, have heard nothing since. */
  behind(heads: ReadonlyMap<Stream, number>, sinceMs: number): Follower[] {
    return this.followers.filter(({ stream, received, ended, heardMs }) => {
      if (ended !== undefined) return false
      const head = heads.get(stream)
      return head === undefined ? heardMs < sinceMs : (received.at(-1)?.number ?? 0) < head
    })
  }

  /** Those that are over for good, but for whoever was told the end of a stream that has ended. */
  over(stored: ReadonlyMap<Stream, readonly Entry[]>): Follower[] {
    return this.followers.filter(({ stream, received, ended }) => {
      const isAtEnd = received.at(-1)?.number === stored.get(stream)?.at(-1)?.number
      return ended !== undefined && !(ended === COMPLETE && isAtEnd)
    })
  }

  /** The longest time in which one that still follows the log heard nothing. */
  longestSilenceMs(fromMs: number, toMs: number): number {
    const silences = this.ofLog
      .filter(({ ended }) => ended === undefined)
      .flatMap(({ received }) => {
        const times = received.map(({ ms }) => ms).filter((ms) => ms > fromMs && ms < toMs)
        return [...times, toMs].map((ms, place) => ms - (times[place - 1] ?? fromMs))
      })
    return silences.reduce((longest, ms) => Math.max(longest, ms), 0)
  }

  async close(): Promise<void> {
    await Promise.all(this.followers.map((follower) => follower.close()))
  }
}
