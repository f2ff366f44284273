import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inProcessBus } from '../../src/ports/bus/in-process.ts'
import { Hub, logStream } from '../../src/streams/index.ts'
import { ServiceLogs } from '../../testkit/operations/streams.ts'
import { until } from '../../testkit/until.ts'
import { follow, followLog, hasLines, openSocket } from './follow.ts'
import { numbered, streamApp, type StreamApp } from '../../testkit/stream-app.ts'

let app: StreamApp
beforeAll(async () => {
  app = await streamApp()
})
afterAll(() => app.close())

test('a bus that loses every hint delays lines and loses none', async () => {
  const service = await app.service()
  const deaf = { ...inProcessBus(), publish: () => {} }
  const hub = new Hub(app.database, deaf, pino({ level: 'silent' }))
  const over = new AbortController()
  const seen: string[] = []
  const following = (async () => {
    for await (const { entries } of hub.follow(
      logStream(app.database),
      service.uuid,
      0,
      over.signal,
    ))
      seen.push(...entries.map(({ text }) => text))
  })()
  await app.print(service, numbered(3, 'first'))
  await until(() => seen.length === 3)
  await app.print(service, numbered(700, 'second'))
  await until(() => seen.length === 703)
  over.abort()
  await following
  expect(seen).toEqual([...numbered(3, 'first'), ...numbered(700, 'second')])
  expect(hub.size).toBe(0)
  await hub.close()
})

test('a follower of a hub that closes is let go', async () => {
  const service = await app.service()
  const hub = new Hub(app.database, inProcessBus(), pino({ level: 'silent' }))
  const follower = hub.follow(
    logStream(app.database),
    service.uuid,
    0,
    new AbortController().signal,
  )
  const next = follower.next()
  await until(() => hub.size === 1)
  await hub.close()
  expect((await next).done).toBe(true)
})

test('whoever comes while the last follower leaves is served', async () => {
  const service = await app.service()
  await app.print(service, ['one'])
  for (let round = 0; round < 50; round += 1) {
    const leaving = new AbortController()
    const coming = new AbortController()
    const old = app.hub.follow(logStream(app.database), service.uuid, 0, leaving.signal)
    await old.next()
    const left = old.return()
    const fresh = app.hub.follow(logStream(app.database), service.uuid, 0, coming.signal)
    const [first] = await Promise.all([fresh.next(), left])
    expect(first.value?.entries[0]?.number).toBe(1)
    const next = fresh.next()
    await app.print(service, ['more'])
    expect((await next).value).toBeDefined()
    coming.abort()
    await fresh.return()
  }
  expect(app.hub.size).toBe(0)
})

test('five hundred subscriptions that come and go leave no follower behind', async () => {
  const service = await app.service()
  await app.print(service, ['one'])
  const socket = openSocket(app.admin)
  for (let round = 0; round < 10; round += 1) {
    const followers = Array.from({ length: 50 }, (_, place) =>
      follow(
        app.admin,
        ServiceLogs,
        { serviceId: service.id, ...(place % 2 ? { last: 1 } : { after: 'start' }) },
        { socket },
      ),
    )
    // some are given up before they have begun
    followers.filter((_, place) => place % 5 === 0).forEach((follower) => follower.stop())
    await until(() => followers.every(({ results, over }) => results.length > 0 || over))
    for (const follower of followers) follower.stop()
  }
  await until(() => app.hub.size === 0)
  // and a socket that is gone takes all of its subscriptions with it
  const gone = Array.from({ length: 20 }, () => followLog(app.admin, { serviceId: service.id }))
  await Promise.all(gone.map((following) => hasLines(following, 1)))
  for (const following of gone) following.stop()
  await until(() => app.hub.size === 0)
  await socket.dispose()
})
