import { createClient } from 'graphql-sse'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import type { ServiceLogsSubscription } from '../../testkit/generated/graphql.ts'
import type { Answer } from '../../testkit/client.ts'
import { ServiceLogs } from '../../testkit/operations/streams.ts'
import { until } from '../../testkit/until.ts'
import { deliveriesOf, follow, linesOf } from './follow.ts'
import { eventsOf, overEventSource } from './resume.ts'
import { numbered, streamApp, type LogOwner, type StreamApp } from '../../testkit/stream-app.ts'

const Aliased = graphql(`
  subscription StreamsAliased($id: ID!, $after: String) {
    log: serviceLogs(serviceId: $id, after: $after) {
      cursor: lines {
        number
      }
    }
  }
`)

let app: StreamApp
let service: LogOwner
beforeAll(async () => {
  app = await streamApp()
  service = await app.service()
  await app.print(service, numbered(1_200))
  await app.finish(service)
})
afterAll(() => app.close())

test('one document gives the same deliveries over WebSocket, over SSE and to a graphql-sse client', async () => {
  const variables = { serviceId: service.id, after: 'start' }
  const socket = follow(app.admin, ServiceLogs, variables)
  const client = createClient({
    url: `${app.url}/graphql`,
    headers: app.admin.headers,
    retryAttempts: 0,
  })
  const results: Answer<ServiceLogsSubscription>[] = []
  const query = ServiceLogs.toString()
  for await (const result of client.iterate<ServiceLogsSubscription>({ query, variables }))
    results.push(result as Answer<ServiceLogsSubscription>) // both libraries name results in their own way
  client.dispose()
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...app.admin.headers,
    },
    body: JSON.stringify({ query, variables }),
  })
  const events = []
  for await (const event of eventsOf(response)) events.push(event)
  await until(() => socket.over)
  expect(linesOf(socket).map(({ text }) => text)).toEqual(numbered(1_200))
  expect(deliveriesOf(socket).at(-1)?.end).toEqual({ lastNumber: 1_200 })
  expect(results).toEqual(socket.results)
  expect(events.at(-1)?.name).toBe('complete')
  const next = events.filter(({ name }) => name === 'next')
  expect(next.map(({ data }) => JSON.parse(data) as unknown)).toEqual(socket.results)
  const cursors = socket.results.map(({ extensions }) => extensions?.['cursor'])
  expect(next.map(({ id }) => id?.replace('.end', ''))).toEqual(cursors)
})

test('every delivery carries its cursor beside the data, whatever is selected', async () => {
  const following = follow(app.admin, Aliased, { id: service.id, after: 'start' })
  await until(() => following.over)
  const numbers: number[] = []
  for (const { data, extensions } of following.results) {
    numbers.push(...(data?.log.cursor.map(({ number }) => number) ?? []))
    const rest = follow(app.admin, Aliased, {
      id: service.id,
      after: String(extensions?.['cursor']),
    })
    await until(() => rest.over)
    const first = rest.results[0]?.data?.log.cursor[0]?.number
    expect(first).toBe(numbers.length === 1_200 ? undefined : numbers.length + 1)
  }
  expect(numbers).toHaveLength(1_200)
})

test('an EventSource reads to the end, is answered 204 when it comes back, and stays away', async () => {
  const source = overEventSource(app.admin, app.url, service.id)
  await until(() => source.statuses.at(-1) === 204)
  expect(source.statuses).toEqual([200, 204])
  expect(source.lines.map(({ text }) => text)).toEqual(numbered(1_200))
  expect(source.lastNumber).toBe(1_200)
  source.close()
})

test('the last event an EventSource has seen wins over the cursor in its URL', async () => {
  const { results } = await (async () => {
    const following = follow(app.admin, ServiceLogs, { serviceId: service.id, after: 'start' })
    await until(() => following.over)
    return following
  })()
  const seen = String(results[0]?.extensions?.['cursor'])
  const address = new URL(`${app.url}/graphql`)
  address.searchParams.set('query', ServiceLogs.toString())
  address.searchParams.set('variables', JSON.stringify({ serviceId: service.id, after: 'start' }))
  const response = await fetch(address, {
    headers: { accept: 'text/event-stream', 'last-event-id': seen, ...app.admin.headers },
  })
  const events = []
  for await (const { name, data } of eventsOf(response))
    if (name === 'next') events.push(JSON.parse(data) as unknown)
  expect(events).toEqual(results.slice(1))
})

test('a syntax error over WebSocket is the answer to its operation, and the socket lives on', async () => {
  const socket = app.admin.socket()
  const answer = (query: string): Promise<unknown> =>
    new Promise((resolve) => {
      const answers: unknown[] = []
      socket.subscribe(
        { query },
        {
          next: (result) => answers.push(result),
          error: resolve,
          complete: () => resolve(answers[0]),
        },
      )
    })
  expect(await answer('{ viewer {')).toMatchObject([
    { message: expect.stringContaining('Syntax Error') as string },
  ])
  expect(await answer('{ nothing }')).toMatchObject([
    { message: expect.stringContaining('nothing') as string },
  ])
  expect(await answer('{ viewer { role } }')).toMatchObject({ data: { viewer: { role: 'ADMIN' } } })
  await socket.dispose()
})
