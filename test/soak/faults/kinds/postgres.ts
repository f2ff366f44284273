import { setTimeout as pause } from 'node:timers/promises'
import { onServer } from '../../../../testkit/database/template.ts'
import type { Stage } from '../stage.ts'
import { postgres, type Fault } from './fault.ts'

function partsOf({ postgres: parts }: Stage) {
  if (parts === undefined) throw new Error('There is no PostgreSQL server.')
  return parts
}

/** Ends every session but ours. */
const terminate = (url: string): Promise<unknown> =>
  onServer(url, (client) =>
    client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    ),
  )

const readOnly = (url: string, isReadOnly: boolean): Promise<void> =>
  onServer(url, async (client) => {
    await client.query(
      `ALTER SYSTEM SET default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}`,
    )
    await client.query('SELECT pg_reload_conf()')
  })

function stopped(name: string, signal: 'SIGKILL' | 'SIGQUIT' | 'SIGINT'): Fault {
  return {
    name,
    on: postgres,
    holdMs: 5_000,
    isOutage: true,
    async begin({ stage }) {
      const { server } = partsOf(stage)
      await server.kill(signal)
      return { heal: () => server.start() }
    },
  }
}

export const postgresKilled = stopped('PostgreSQL killed (kill -9)', 'SIGKILL')

export const postgresFaults: readonly Fault[] = [
  postgresKilled,
  stopped('PostgreSQL stopped at once (immediate)', 'SIGQUIT'),
  stopped('PostgreSQL restarted (fast)', 'SIGINT'),
  {
    name: 'PostgreSQL frozen for longer than a statement may take',
    on: postgres,
    holdMs: 35_000,
    isOutage: true,
    async begin({ stage }) {
      const { server } = partsOf(stage)
      await server.freeze()
      return { heal: () => server.thaw() }
    },
  },
  {
    name: 'all connections to PostgreSQL terminated, ten times',
    on: postgres,
    holdMs: 0,
    async begin({ stage }) {
      const { server } = partsOf(stage)
      for (let times = 0; times < 10; times += 1) {
        await terminate(server.url)
        await pause(300)
      }
      return { heal: async () => {} }
    },
  },
  {
    name: 'PostgreSQL read-only',
    on: postgres,
    holdMs: 8_000,
    isOutage: true,
    async begin({ stage }) {
      const { server } = partsOf(stage)
      await readOnly(server.url, true)
      await terminate(server.url)
      return { heal: () => readOnly(server.url, false) }
    },
  },
  {
    name: 'network to PostgreSQL is a hole',
    on: postgres,
    holdMs: 35_000,
    isOutage: true,
    async begin({ stage }) {
      const { wire } = partsOf(stage)
      wire.set({ kind: 'hole' })
      return { heal: async () => wire.open() }
    },
  },
  {
    name: 'network to PostgreSQL resets each connection',
    on: postgres,
    holdMs: 8_000,
    async begin({ stage, chance }) {
      const { wire } = partsOf(stage)
      wire.set({ kind: 'resets', bytes: () => 500 + chance() * 100_000 })
      return { heal: async () => wire.open() }
    },
  },
  {
    name: 'network to PostgreSQL is slow',
    on: postgres,
    holdMs: 10_000,
    async begin({ stage, chance }) {
      const { wire } = partsOf(stage)
      wire.set({ kind: 'delay', ms: () => 50 + chance() * 200 })
      return { heal: async () => wire.open() }
    },
  },
  {
    name: 'connections to PostgreSQL half open',
    on: postgres,
    holdMs: 35_000,
    async begin({ stage }) {
      const { wire } = partsOf(stage)
      wire.forget()
      return { heal: async () => wire.dropForgotten() }
    },
  },
]
