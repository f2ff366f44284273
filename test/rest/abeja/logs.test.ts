import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../../testkit/shared.ts'
import { linesOf } from '../../../testkit/seed/services.ts'
import { until } from '../../../testkit/until.ts'
import { Abeja, ECHO } from '../../../testkit/fronts/abeja.ts'

/* Logs, both ways (contract abeja 5). */

let app: SharedApp
let abeja: Abeja
let running: Awaited<ReturnType<Abeja['running']>>
let path: string
beforeAll(async () => {
  app = await sharedApp()
  abeja = await Abeja.of(app.admin)
  running = await abeja.running(ECHO)
  path = `${running.path}/recentlogs`
})
afterAll(() => app.close())

interface Page {
  readonly events: readonly { readonly message: string; readonly timestamp: string }[]
  readonly next_backward_token: string
  readonly next_forward_token: string
}

const page = async (query: Record<string, string> = {}): Promise<Page> =>
  (await abeja.did('GET', `${path}?${new URLSearchParams(query)}`)) as unknown as Page
const messages = ({ events }: Page): string[] => events.map(({ message }) => message)

/** Prints lines by calling the service with them, 20 a call, and waits until they are stored. */
async function print(lines: readonly string[]): Promise<void> {
  for (let n = 0; n < lines.length; n += 20) {
    const body = lines.slice(n, n + 20).join('\n')
    const url = `${app.url}/deployments/${running.deployment}/services/${running.service}`
    const response = await fetch(url, { method: 'POST', headers: app.admin.headers, body })
    expect(response.status).toBe(200)
  }
  const last = lines.at(-1) ?? ''
  await until(async () => messages(await page()).includes(last))
}

const numbered = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `line ${from + n}`)

/** All lines of the log, oldest first, read over GraphQL. */
const stored = () => linesOf(app.admin, `abeja:${running.service}`)

test('the first page is the newest hundred, newest first', async () => {
  await print(numbered(1, 240))
  const newest = await page()
  expect(newest.events).toHaveLength(100)
  const all = await stored()
  expect(newest.events).toEqual(
    all
      .slice(-100)
      .toReversed()
      .map(({ text, at }) => ({ message: text, timestamp: at })),
  )
})

test('backward tokens lead to the oldest line, each line once, and then to empty pages', async () => {
  const read: string[] = []
  let now = await page()
  while (now.events.length > 0) {
    read.push(...messages(now))
    now = await page({ next_backward_token: now.next_backward_token })
  }
  const all = (await stored()).map(({ text }) => text)
  expect(read.toReversed()).toEqual(all)
  // the empty page is usable both ways
  expect((await page({ next_backward_token: now.next_backward_token })).events).toEqual([])
  const oldest = await page({ next_forward_token: now.next_forward_token })
  expect(messages(oldest).toReversed()).toEqual(all.slice(0, 100))
})

test('a forward token of the newest page is empty until lines come, and then tails the log', async () => {
  const newest = await page()
  const token = newest.next_forward_token
  const nothing = await page({ next_forward_token: token })
  expect(nothing.events).toEqual([])
  // what is older than the empty page is the newest page
  expect(await page({ next_backward_token: nothing.next_backward_token })).toMatchObject({
    events: newest.events,
  })
  await print(numbered(1001, 3))
  for (const forward of [token, nothing.next_forward_token])
    expect(messages(await page({ next_forward_token: forward }))).toEqual(
      numbered(1001, 3).toReversed(),
    )
})

test('forward pages meet the newest line without a gap', async () => {
  let now = await page()
  while (now.events.length > 0) now = await page({ next_backward_token: now.next_backward_token })
  const read: string[] = []
  for (;;) {
    now = await page({ next_forward_token: now.next_forward_token })
    if (now.events.length === 0) break
    read.push(...messages(now).toReversed())
  }
  expect(read).toEqual((await stored()).map(({ text }) => text))
})

/** `2018-01-01T00:00:00.123000Z` as the SDK writes times in queries. */
const second = (time: string): string => time.slice(0, 19)

test('start and end are seconds that both count, and stay with the tokens', async () => {
  const all = await stored()
  const [first, last] = [all[20]?.at ?? '', all[160]?.at ?? '']
  const wanted = all.filter(({ at }) => second(at) >= second(first) && second(at) <= second(last))
  const range = { start_time: second(first), end_time: second(last) }
  const read: string[] = []
  let now = await page(range)
  while (now.events.length > 0) {
    read.push(...messages(now))
    now = await page({ next_backward_token: now.next_backward_token })
  }
  expect(read.toReversed()).toEqual(wanted.map(({ text }) => text))
  // with a zone, as typed at the command line, and with a fraction
  const zoned = { start_time: `${second(first)}Z`, end_time: `${second(last)}+00:00` }
  expect((await page(zoned)).events).toEqual((await page(range)).events)
  const exact = await page({ start_time: first, end_time: first })
  expect(messages(exact).toReversed()).toEqual(
    all
      .filter(({ at }) => at === first)
      .map(({ text }) => text)
      .slice(-100),
  )
})

test('a range without lines is empty, with both tokens, and so is one that ends before it starts', async () => {
  for (const range of [
    { start_time: '2018-01-01T00:00:00', end_time: '2018-01-02T00:00:00' },
    { start_time: '2030-01-02T00:00:00', end_time: '2030-01-01T00:00:00' },
    { start_time: '2999-01-01T00:00:00' },
    { start_time: '9999-12-31 23:59:59+0000', end_time: '9999-12-31T23:59:59' },
  ] as Record<string, string>[])
    expect(await page(range)).toEqual({
      events: [],
      next_backward_token: expect.stringMatching(/^[\w-]+$/),
      next_forward_token: expect.stringMatching(/^[\w-]+$/),
    })
})

test('400: an unknown token, one of another service or direction, both at once, a bad time', async () => {
  const { next_backward_token: backward, next_forward_token: forward } = await page()
  const made = await abeja.did('POST', `/deployments/${running.deployment}/services`, {
    version_id: running.version,
  })
  const other = `/deployments/${running.deployment}/services/${made.service_id}`
  const query = new URLSearchParams({ next_forward_token: forward }).toString()
  const foreign = await abeja.call('GET', `${other}/recentlogs?${query}`)
  expect(foreign.status).toBe(400)
  // in words that were there before arguments of GraphQL were named, none of which is the caller's
  expect(foreign.body['error_description']).toMatch(
    /^"[\w-]+\.\w+" is not a cursor of this stream\. Pass a cursor it gave you, or "start"\.$/,
  )
  for (const wrong of [
    { next_backward_token: 'nonsense' },
    { next_backward_token: forward },
    { next_forward_token: backward },
    { next_forward_token: `${forward}x` },
    { next_forward_token: Buffer.from('["forward",5,null,null]').toString('base64url') },
    { next_backward_token: backward, next_forward_token: forward },
    { start_time: 'yesterday' },
    { start_time: '2018-13-01T00:00:00' },
    { start_time: '2018-02-31T00:00:00' },
    { end_time: '2018-06-05T24:00:00' },
    { end_time: '2018-06-05T13:07:49+2400' },
    { start_time: '0000-01-01T00:00:00' },
    {
      next_forward_token: Buffer.from(
        JSON.stringify(['forward', '', '2018-02-31T00:00:00Z', null]),
      ).toString('base64url'),
    },
    { end_time: '1514764800' },
  ] as Record<string, string>[])
    expect(
      await abeja.call('GET', `${path}?${new URLSearchParams(wrong)}`),
      JSON.stringify(wrong),
    ).toMatchObject({ status: 400, body: { error: 'bad_request' } })
})

test('the command line reads upward, page by page, and the last page has no token', async () => {
  const logs = `${running.path}/logs`
  const read: string[] = []
  let query = ''
  for (;;) {
    const answer = (await abeja.did('GET', `${logs}${query}`)) as unknown as {
      events: { message: string }[]
      next_token?: string
    }
    read.push(...answer.events.map(({ message }) => message))
    if (!('next_token' in answer)) break
    query = `?next_token=${answer.next_token}`
  }
  expect(read).toEqual((await stored()).map(({ text }) => text))
})

test('logs stay readable while stopped, and are 404 once the service is deleted', async () => {
  await abeja.did('POST', `${running.path}/stop`)
  expect((await page()).events).toHaveLength(100)
  await abeja.did('DELETE', running.path)
  expect((await abeja.call('GET', path)).status).toBe(404)
})
