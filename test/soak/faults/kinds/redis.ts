import { setTimeout as pause } from 'node:timers/promises'
import type { OwnRedis } from '../../../../testkit/machine/redis.ts'
import type { Stage } from '../stage.ts'
import { firstPost, postgres, type Fault } from './fault.ts'

/** How long a server may take to start. */
const START_MS = 60_000

function redisOf({ redis }: Stage): OwnRedis {
  if (redis === undefined) throw new Error('There is no Redis server.')
  return redis
}

export const redisFaults: readonly Fault[] = [
  {
    name: 'Redis killed',
    on: postgres,
    holdMs: 5_000,
    async begin({ stage }) {
      const redis = redisOf(stage)
      await redis.kill()
      return { heal: () => redis.start() }
    },
  },
  {
    name: 'Redis flushed, its clients disconnected',
    on: postgres,
    holdMs: 1_000,
    async begin({ stage }) {
      await redisOf(stage).ask(async (redis) => {
        await redis.flushall()
        await redis.client('KILL', 'TYPE', 'pubsub')
        await redis.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      })
      return { heal: async () => {} }
    },
  },
  {
    name: 'Redis frozen',
    on: postgres,
    holdMs: 15_000,
    async begin({ stage }) {
      const redis = redisOf(stage)
      redis.signal('SIGSTOP')
      return { heal: async () => redis.signal('SIGCONT') }
    },
  },
  {
    name: 'Redis absent when a server starts',
    on: postgres,
    holdMs: 3_000,
    async begin({ stage }) {
      const redis = redisOf(stage)
      const { server } = firstPost(stage)
      await redis.kill()
      await server.end('SIGKILL')
      const starting = server.start()
      const giveUp = new AbortController()
      const hasStarted = await Promise.race([
        starting.then(() => true),
        pause(START_MS, false, { signal: giveUp.signal }).catch(() => false),
      ])
      giveUp.abort()
      return {
        async heal() {
          await redis.start()
          await starting
        },
        after: async () => (hasStarted ? [] : ['the server did not start without Redis']),
      }
    },
  },
]
