import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { tarGz } from '../../testkit/archive.ts'
import { seedDeployment, send, versionOf, waitingVersion } from '../../testkit/seed/services.ts'

let app: SharedApp
let url: string
let bytes: Buffer
let etag: string
beforeAll(async () => {
  app = await sharedApp()
  const deployment = await seedDeployment(app.admin)
  const version = await waitingVersion(app.admin, deployment.id)
  bytes = await tarGz({ 'main.py': 'pass\n', noise: randomBytes(200_000) })
  expect(await send(version.url, bytes)).toMatchObject({ status: 200 })
  url = (await versionOf(app.admin, version.id)).archive?.downloadUrl ?? ''
  etag = `"${createHash('sha256').update(bytes).digest('hex')}"`
})
afterAll(() => app.close())

async function fetched(headers: Record<string, string>, method = 'GET') {
  const response = await fetch(url, { method, headers })
  const body = Buffer.from(await response.arrayBuffer())
  const { status } = response
  const said = Object.fromEntries(
    ['content-length', 'content-range', 'accept-ranges', 'etag'].map((name) => [
      name,
      response.headers.get(name),
    ]),
  )
  return { status, body, said }
}

test('HEAD says what GET would, and sends nothing', async () => {
  const { status, body, said } = await fetched({ range: 'bytes=0-9' }, 'HEAD')
  expect({ status, length: body.length, said }).toEqual({
    status: 200,
    length: 0,
    said: {
      'content-length': String(bytes.length),
      'content-range': null,
      'accept-ranges': 'bytes',
      etag,
    },
  })
  const forged = await fetch(url.replace(/signature=.*/, 'signature=x'), { method: 'HEAD' })
  expect(forged.status).toBe(403)
})

test.each<[string, (size: number) => [number, number]]>([
  ['bytes=0-0', () => [0, 0]],
  ['bytes=100-199', () => [100, 199]],
  ['bytes=1000-', (size) => [1000, size - 1]],
  ['bytes=-70000', (size) => [size - 70_000, size - 1]],
  ['bytes=-9999999999', (size) => [0, size - 1]],
  ['bytes=5-9999999999999999999999', (size) => [5, size - 1]],
  ['Bytes=7-8', () => [7, 8]],
])('the range %s is answered alone', async (range, wanted) => {
  const [first, last] = wanted(bytes.length)
  const { status, body, said } = await fetched({ range })
  expect(status).toBe(206)
  expect(said).toMatchObject({
    'content-range': `bytes ${first}-${last}/${bytes.length}`,
    'content-length': String(last - first + 1),
    etag,
  })
  expect(body.equals(bytes.subarray(first, last + 1))).toBe(true)
})

test.each([
  'bytes=-0',
  'bytes=99999999-',
  'bytes=99999999-99999999999',
  'bytes=99999999999999999999-',
])('the range %s, of which there is nothing, is 416', async (range) => {
  expect(await fetched({ range })).toMatchObject({
    status: 416,
    said: { 'content-range': `bytes */${bytes.length}` },
  })
})

test.each([
  'bytes=5-2',
  'bytes=-',
  'bytes=',
  'bytes=a-b',
  'lines=1-2',
  'bytes=0-1,5-6',
  '0-5',
  '-',
])('the range %s is not understood, and everything is sent', async (range) => {
  const { status, body, said } = await fetched({ range })
  expect([status, said['content-range'], body.equals(bytes)]).toEqual([200, null, true])
})

test('a download that was cut goes on where it ended, if the bytes are still the same', async () => {
  const part = await fetched({ range: 'bytes=0-99999' })
  const rest = await fetched({ range: 'bytes=100000-', 'if-range': part.said.etag ?? '' })
  expect(rest.status).toBe(206)
  expect(Buffer.concat([part.body, rest.body]).equals(bytes)).toBe(true)
  for (const other of ['"another"', `W/${etag}`, 'Sat, 29 Oct 1994 19:43:31 GMT'])
    expect((await fetched({ range: 'bytes=100000-', 'if-range': other })).status).toBe(200)
})

test('bytes that the caller has are not sent again', async () => {
  for (const known of [etag, `"other", ${etag}`, `W/${etag}`, '*']) {
    const { status, body } = await fetched({ 'if-none-match': known, range: 'bytes=0-9' })
    expect([status, body.length]).toEqual([304, 0])
  }
  expect((await fetched({ 'if-none-match': '"other"' })).status).toBe(200)
})
