import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sweepOnce } from '../../src/streams/retention.ts'
import { LogUrl } from '../../testkit/operations/streams.ts'
import type { LogUrlQueryVariables } from '../../testkit/generated/graphql.ts'
import { numbered, streamApp, type LogOwner, type StreamApp } from '../../testkit/stream-app.ts'

let app: StreamApp
let service: LogOwner
beforeAll(async () => {
  app = await streamApp()
  service = await app.service()
  await app.print(service, numbered(12), 0)
  await app.print(service, [{ source: 'STDERR', text: '50 %', isUnfinished: true }], 1)
  await app.print(service, [{ source: 'STDERR', text: 'a\r"b" \\x00\tß 😀' }], 1)
})
afterAll(() => app.close())

const urlOf = async (id: string, more: Omit<LogUrlQueryVariables, 'id'> = {}): Promise<string> => {
  const { node } = await app.admin.request(LogUrl, { id, ...more })
  return (node as { logDownloadUrl: string }).logDownloadUrl
}

const keep = (logRetentionLines: number): Promise<void> =>
  sweepOnce(app.database, {
    logRetentionLines,
    logRetentionMs: 0,
    eventRetentionMs: 0,
    trafficRetentionMs: 0,
  })

const textOf = async (url: string): Promise<string> => (await fetch(url)).text()

test('x', async () => {
  const url = await urlOf(service.id)
  console.log(url)
  const response = await fetch(url)
  console.log(response.status, [...response.headers], await response.text())
  console.log(await textOf(await urlOf(service.id, { format: 'TIMED_TEXT' })))
  console.log(await textOf(await urlOf(service.id, { format: 'NDJSON', filter: { text: 'B"', instances: [1] } })))
})
