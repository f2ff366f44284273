import { once } from 'node:events'
import { WebSocket } from 'ws'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seedDeployment } from '../../testkit/seed/services.ts'
import { firstFault } from './follow.ts'
import { streamApp, type LogOwner, type StreamApp } from '../../testkit/stream-app.ts'

/** What Python's `websockets` takes, and closes the connection above. */
const MAX_FRAME = 1_048_576

/** Lines that are large as JSON, each as large as one may be. */
const NASTY = [
  '\u0001'.repeat(250_000), // 6 bytes each
  'plain '.repeat(40_000),
  '"\\'.repeat(125_000),
  '\u001b[31m'.repeat(50_000),
  'あ'.repeat(250_000),
  '😀'.repeat(125_000),
  `x${'😀'.repeat(100_000)}${'\u0002'.repeat(49_000)}`,
  '',
]
/** As services print them that log in JSON: about 3 kB, much of it escaped. */
const usual = (n: number): string =>
  `${n} {"level":"error","stack":"${String.raw`at someFunction (/app/src/module.js:10:5)\n`.repeat(65)}"}`

interface Line {
  readonly number: number
  readonly text: string
  readonly piece: { readonly number: number; readonly of: number } | null
}

interface Frame {
  readonly bytes: number
  readonly cursor: string
  readonly delivery: Readonly<Record<string, readonly Line[]>>
}

let app: StreamApp
let service: LogOwner
const stored: string[] = []

beforeAll(async () => {
  app = await streamApp()
  service = await app.service()
  const lines = [...Array.from({ length: 500 }, (_, n) => usual(n)), ...NASTY]
  lines.push(
    ...NASTY.flatMap((line) => [line, 'a short one']),
    ...Array.from({ length: 200 }, (_, n) => usual(n)),
  )
  for (let at = 0; at < lines.length; at += 20) await app.print(service, lines.slice(at, at + 20))
  stored.push(...lines)
  await app.finish(service)
})
afterAll(() => app.close())

/** The frames of a subscription, as they come over the wire; leaves after so many. */
async function framesOf(query: string, variables: object, most = Infinity): Promise<Frame[]> {
  const url = `${app.url.replace('http', 'ws')}/graphql`
  const socket = new WebSocket(url, 'graphql-transport-ws', { headers: app.admin.headers })
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init' }))
  await once(socket, 'message')
  const frames: Frame[] = []
  await new Promise<void>((resolve, reject) => {
    socket.on('message', (data: Buffer) => {
      const { type, payload } = JSON.parse(String(data)) as {
        type: string
        payload: { data: Record<string, Frame['delivery']>; extensions: { cursor: string } }
      }
      if (type === 'complete') return resolve()
      if (type !== 'next') return reject(new Error(String(data)))
      const [delivery = {}] = Object.values(payload.data)
      frames.push({ bytes: data.length, cursor: payload.extensions.cursor, delivery })
      if (frames.length >= most) resolve()
    })
    const id = 'a-name-of-the-operation'
    socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query, variables } }))
  })
  socket.terminate()
  return frames
}

/** Puts lines that come in pieces together. */
function whole(lines: readonly Line[]): { number: number; text: string }[] {
  let begun = ''
  return lines.flatMap(({ number, text, piece }) => {
    if (piece === null) return [{ number, text }]
    begun = piece.number === 1 ? text : begun + text
    return piece.number === piece.of ? [{ number, text: begun }] : []
  })
}

const following = (selection: string): string => `subscription ($id: ID!, $after: String) {
  serviceLogs(serviceId: $id, after: $after) { ${selection} } }`
const QUERY = following('lines { number at source text piece { number of } } cursor')

const expectWhole = (lines: readonly { number: number; text: string }[]): void => {
  expect(firstFault(lines.map(({ number }) => number))).toBeUndefined()
  expect(lines.length).toBe(stored.length)
  const wrong = lines.filter(({ number, text }) => text !== stored[number - 1])
  expect(wrong.map(({ number }) => number)).toEqual([])
}

test.each([
  ['with its lines once, and cuts no character in two', QUERY],
  [
    'with its lines several times',
    following(
      'a: lines { text } lines { number text again: text piece { number of } } c: lines { t: text }',
    ),
  ],
])('every frame of a log is below 1 MiB, %s', async (_name, query) => {
  const frames = await framesOf(query, { id: service.id, after: 'start' })
  expect(Math.max(...frames.map(({ bytes }) => bytes))).toBeLessThan(MAX_FRAME)
  const lines = frames.flatMap(({ delivery }) => delivery['lines']!)
  for (const { text } of lines) expect(text.isWellFormed()).toBe(true)
  expectWhole(whole(lines))
  // what fits goes together
  expect(frames.filter(({ delivery }) => delivery['lines']!.length > 1).length).toBeGreaterThan(3)
})

test('a log that is cut after each frame has every line once, also one in pieces', async () => {
  const lines: Line[] = []
  let pieces = 0
  for (let after = 'start', skip = 0; ;) {
    const all = await framesOf(QUERY, { id: service.id, after }, skip + 1)
    const last = all.at(-1)
    if (last === undefined) break
    lines.push(...all.flatMap(({ delivery }) => delivery['lines']!))
    const isMoved = last.cursor !== after
    pieces += last.delivery['lines']!.some(({ piece }) => piece !== null) ? 1 : 0
    // a cut in the middle of a line begins it anew; the next time it is cut later
    skip = isMoved ? 0 : skip + 1
    after = last.cursor
    if (whole(lines).length >= stored.length) break
  }
  expect(pieces).toBeGreaterThan(1)
  expectWhole(whole(lines))
})

const changes = (alias: string): string => `${alias}: changes { from to }`

test('other deliveries hold one entry where they are above 1 MiB', async () => {
  const { id } = await seedDeployment(app.admin)
  for (const letter of 'abcdef') {
    const environment = Array.from({ length: 5 }, (_, n) => ({
      name: `V${n}`,
      value: letter.repeat(60_000),
    }))
    const response = await fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...app.admin.headers },
      body: JSON.stringify({
        query:
          'mutation ($input: UpdateDeploymentInput!) { updateDeployment(input: $input) { __typename } }',
        variables: { input: { id, environment } },
      }),
    })
    expect(await response.json()).toMatchObject({
      data: { updateDeployment: { __typename: 'UpdateDeploymentSuccess' } },
    })
  }
  for (const [selection, isLarge] of [
    [changes('a'), false],
    [['a', 'b', 'c', 'd'].map(changes).join(' '), true],
  ] as const) {
    const query = `subscription ($id: ID!, $after: String) {
      deploymentChanged(deploymentId: $id, after: $after) { lines: events { number ${selection} } } }`
    const frames = await framesOf(query, { id, after: 'start' }, isLarge ? 7 : 3)
    for (const { bytes, delivery } of frames)
      if (bytes >= MAX_FRAME) expect(delivery['lines']).toHaveLength(1)
    const numbers = frames.flatMap(({ delivery }) => delivery['lines']!.map(({ number }) => number))
    expect(firstFault(numbers)).toBeUndefined()
    expect(frames.some(({ bytes }) => bytes >= MAX_FRAME)).toBe(isLarge)
  }
})
