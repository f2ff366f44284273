import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Leftover,
  type RunningInstance,
  type Runtime,
  StartFailed,
} from '../../src/ports/runtime/runtime.ts'
import { Reconciler } from '../../src/services/index.ts'
import { streamApp, type StreamApp } from '../../testkit/stream-app.ts'
import { logOf } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'

let app: StreamApp
beforeAll(async () => {
  app = await streamApp()
})
afterAll(() => app.close())

/** Processes that an earlier server left running: they print once more when they are ended. */
function survivors(keys: readonly string[]) {
  const graces: [key: string, graceMs: number][] = []
  const discarded: string[] = []
  const left = keys.map((key): Leftover => {
    const lines: string[] = ['before']
    const ended = new AbortController()
    const exited = once(ended.signal, 'abort').then(() => ({ code: 0, signal: null }))
    const kept: Leftover = {
      key,
      async *output() {
        await exited
        yield {
          lines: lines.map((text) => ({ source: 'STDOUT' as const, text })),
          position: 'end',
        }
      },
      async discard() {
        discarded.push(key)
      },
    }
    const running: RunningInstance = {
      ...kept,
      pid: undefined,
      url: 'http://127.0.0.1:9',
      headers: {},
      exited,
      check: () => Promise.resolve(true),
      release: () => Promise.resolve(),
      stop(graceMs) {
        graces.push([key, graceMs])
        lines.push('at its end')
        ended.abort()
        return exited
      },
    }
    return { ...kept, running }
  })
  const runtime: Runtime = {
    facts: { users: undefined, unwalled: undefined, heedsSize: false, languages: [] },
    start: () => Promise.reject(new StartFailed('It starts nothing.')),
    leftovers: () => Promise.resolve(left),
    close: () => Promise.resolve(),
  }
  return { runtime, graces, discarded }
}

test('a process that an earlier server left running is ended at once, and its output is read to the end', async () => {
  const { platform } = app
  const service = await app.service()
  const instance = randomUUID()
  const { prisma } = app.database
  const { versionId } = await prisma.service.findUniqueOrThrow({ where: { id: service.uuid } })
  await prisma.instance.create({
    data: {
      id: instance,
      serviceId: service.uuid,
      versionId: versionId ?? '',
      ordinal: 0,
      generation: 1,
      status: 'READY',
      serverId: platform.server.id,
      restarts: 2,
    },
  })
  const keys = [`${instance}.2`, `${randomUUID()}.0`]
  const { runtime, graces, discarded } = survivors(keys)
  const reconciler = new Reconciler(platform, runtime)
  await reconciler.reclaim()
  expect(graces).toEqual(keys.map((key) => [key, 0]))
  expect(discarded).toEqual(keys.slice(1)) // of a service that nobody knows

  await reconciler.start()
  await until(() => discarded.length === 2)
  expect(await logOf(app.admin, service.id)).toMatch(/^before\nat its end$/m)
  await reconciler.stop(10_000)
})
