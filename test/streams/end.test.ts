import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { DeleteService } from '../../testkit/operations/services.ts'
import { LogPage, ServiceChanged, ServiceLogs } from '../../testkit/operations/streams.ts'
import { runningService } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'
import { deliveriesOf, firstFault, follow, followLog, linesOf, pageForward } from './follow.ts'

const handler = `
import sys
def handler(request, context):
    for n in range(1, 101):
        print("line", n, flush=True)
    return {"content": b"done"}
`

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

test('a log ends when its service is deleted and its last process is gone, and can be resumed to the end', async () => {
  const service = await runningService(app.admin, { 'main.py': handler })
  const following = followLog(app.admin, { serviceId: service.id, after: 'start' })
  const changes = follow(app.admin, ServiceChanged, { serviceId: service.id, after: 'start' })
  await fetch(service.invokeUrl, { method: 'POST', headers: app.admin.headers })
  await until(() => linesOf(following).some(({ text }) => text === 'line 100'))
  const cursor = String(following.results[0]?.extensions?.['cursor'])
  const kept = await pageForward(app.admin, service.id)
  await app.admin.request(DeleteService, { input: { id: service.id } })

  await until(() => following.over && changes.over)
  expect(following.error).toBeUndefined()
  const all = linesOf(following)
  expect(firstFault(all.map(({ number }) => number))).toBeUndefined()
  expect(all.slice(0, kept.length)).toEqual(kept)
  expect(deliveriesOf(following).at(-1)?.end).toEqual({ lastNumber: all.length })
  expect(deliveriesOf(following).filter(({ end }) => end !== null)).toHaveLength(1)

  const told = changes.results.flatMap(({ data }) => data?.serviceChanged ?? [])
  const events = told.flatMap((delivery) => delivery.events)
  expect(firstFault(events.map(({ number }) => number))).toBeUndefined()
  expect(events.map(({ kind }) => kind)).toContain('DELETED')
  expect(told.at(-1)).toMatchObject({ service: null, end: { lastNumber: events.length } })

  // the service is gone for readers, but not for whoever was in the middle of its log
  expect((await app.admin.request(LogPage, { id: service.id })).service).toBeNull()
  const resumed = follow(app.admin, ServiceLogs, { serviceId: service.id, after: cursor })
  await until(() => resumed.over)
  const first = deliveriesOf(following)[0]?.lines.length ?? 0
  expect(linesOf(resumed)).toEqual(all.slice(first))
  expect(deliveriesOf(resumed).at(-1)?.end).toEqual({ lastNumber: all.length })

  const anew = followLog(app.admin, { serviceId: service.id })
  await until(() => anew.over)
  expect(anew.results[0]?.errors?.[0]?.extensions?.['code']).toBe('NOT_FOUND')
})
