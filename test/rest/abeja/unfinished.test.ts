import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../../testkit/generated/index.ts'
import { streamApp, type StreamApp } from '../../../testkit/stream-app.ts'
import { Abeja } from '../../../testkit/fronts/abeja.ts'

/* Logs with lines that are not finished (contract abeja 5). */

let app: StreamApp
let abeja: Abeja
beforeAll(async () => {
  app = await streamApp()
  abeja = await Abeja.of(app.admin)
})
afterAll(() => app.close())

const Addresses = graphql(`
  query AbejaAddressesOf($id: ID!) {
    service(id: $id) {
      __typename
      address(front: ABEJA)
      ... on ProcessService {
        deployment {
          address(front: ABEJA)
        }
      }
    }
  }
`)

/** A service whose log has a finished line behind each two that are not, and the path of its logs. */
async function printed(count: number) {
  const service = await app.service()
  const lines = Array.from({ length: count }, (_, n) => [
    { source: 'STDERR' as const, text: `${n} …`, isUnfinished: true },
    { source: 'STDERR' as const, text: `${n} ……`, isUnfinished: true },
    { source: 'STDERR' as const, text: `${n} is done` },
  ])
  await app.print(service, lines.flat(), 0)
  const { service: found } = await app.admin.request(Addresses, { id: service.id })
  if (found?.__typename !== 'ProcessService') throw new Error('the service is gone')
  const path = `/deployments/${found.deployment.address}/services/${found.address}`
  return { service, path, wanted: lines.map((_, n) => `${n} is done`) }
}

interface Page {
  readonly events: readonly { readonly message: string }[]
  readonly [token: `next_${string}`]: string | undefined
}
const page = async (path: string, query: Record<string, string>): Promise<Page> =>
  (await abeja.did('GET', `${path}?${new URLSearchParams(query)}`)) as unknown as Page
const messages = ({ events }: Page): string[] => events.map(({ message }) => message)

test.each(['backward', 'forward'] as const)(
  'read %s, page by page, a log has each finished line once, and no other',
  async (way) => {
    const { path, wanted } = await printed(250)
    const token = `next_${way}_token` as const
    let now = await page(`${path}/recentlogs`, {})
    if (way === 'forward')
      while (now.events.length > 0)
        now = await page(`${path}/recentlogs`, {
          next_backward_token: now.next_backward_token ?? '',
        })
    const pages: string[][] = []
    do {
      pages.push(messages(now))
      now = await page(`${path}/recentlogs`, { [token]: now[token] ?? '' })
    } while (now.events.length > 0)
    const read =
      way === 'backward' ? pages.flat().toReversed() : pages.flatMap((lines) => lines.toReversed())
    expect(read).toEqual(wanted)
  },
)

test('upward too, and what is finished behind the newest page comes next', async () => {
  const { service, path, wanted } = await printed(120)
  const first = await page(`${path}/logs`, {})
  const second = await page(`${path}/logs`, { next_token: first.next_token ?? '' })
  expect([...messages(first), ...messages(second)]).toEqual(wanted)
  expect(second.next_token).toBeUndefined()

  await app.print(service, [{ source: 'STDOUT', text: '99 %', isUnfinished: true }], 0)
  const newest = await page(`${path}/recentlogs`, {})
  expect(messages(newest)).toEqual(wanted.toReversed().slice(0, 100))
  const forward = { next_forward_token: newest.next_forward_token ?? '' }
  expect(messages(await page(`${path}/recentlogs`, forward))).toEqual([])
  await app.print(service, ['100 %'], 0)
  expect(messages(await page(`${path}/recentlogs`, forward))).toEqual(['100 %'])
})
