import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { UploadId } from '../../src/uploads/index.ts'
import { graphql } from '../../testkit/generated/index.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { tarGz } from '../../testkit/archive.ts'
import { CreateUpload } from '../../testkit/operations/deployments.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seedDeployment, send, versionOf, waitingVersion } from '../../testkit/seed/services.ts'

const MAX = 3_000_000

let app: TestApp
beforeAll(async () => {
  app = await testApp({ MAX_ARCHIVE_BYTES: String(MAX) })
})
afterAll(() => app.close())

const Upload = graphql(`
  query UploadsOne($id: ID!) {
    upload(id: $id) {
      method
      receivedBytes
      completedAt
      headers {
        name
      }
    }
  }
`)

async function upload(input: { sizeBytes?: number; sha256?: string } = {}) {
  const { createUpload } = await app.admin.request(CreateUpload, {
    input: { name: 'bytes', ...input },
  })
  const { id, url } = succeeded(createUpload, 'CreateUploadSuccess').upload
  return { id, url: url ?? '' }
}

test('bytes that are as announced are taken, others are refused and nothing of them is kept', async () => {
  const bytes = randomBytes(10_000)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const { id, url } = await upload({ sizeBytes: bytes.length, sha256 })
  expect(await send(url, bytes.subarray(1))).toMatchObject({
    status: 400,
    body: { detail: expect.stringMatching(/sizeBytes: .*; sha256: /) },
  })
  expect((await app.admin.request(Upload, { id })).upload).toMatchObject({
    receivedBytes: 0,
    completedAt: null,
  })
  expect(await send(url, bytes)).toMatchObject({ status: 200 })
  expect((await app.admin.request(Upload, { id })).upload).toEqual({
    method: 'PUT',
    receivedBytes: bytes.length,
    completedAt: expect.any(String),
    headers: [],
  })
})

test('bytes that were taken stay: the same are answered again, others refused', async () => {
  const { id, url } = await upload()
  const [bytes, others] = [randomBytes(5_000), randomBytes(5_000)]
  expect(await send(url, bytes)).toMatchObject({ status: 200 })
  const taken = await app.admin.request(Upload, { id })
  expect(await send(url, bytes)).toMatchObject({ status: 200 })
  for (const wrong of [others, bytes.subarray(1), Buffer.concat([bytes, others]), Buffer.of()])
    expect(await send(url, wrong)).toMatchObject({ status: 409, body: { code: 'CONFLICT' } })
  expect(await app.admin.request(Upload, { id })).toEqual(taken)
})

test('of different bytes that are sent at once one is taken, and nothing else is kept', async () => {
  const { id, url } = await upload()
  const all = Array.from({ length: 6 }, (_, n) => randomBytes(2_000 + n))
  const first = await Promise.all(all.map((bytes) => send(url, bytes)))
  expect(first.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(first.filter(({ status }) => status === 409)).toHaveLength(5)
  // a second round finds the same one
  const second = await Promise.all(all.map((bytes) => send(url, bytes)))
  expect(second.map(({ status }) => status)).toEqual(first.map(({ status }) => status))
  const sizeBytes = 2_000 + first.findIndex(({ status }) => status === 200)
  expect((await app.admin.request(Upload, { id })).upload).toMatchObject({
    receivedBytes: sizeBytes,
  })
  const kept = await readdir(join(app.database.dataDir, 'storage/objects/uploads+'))
  expect(kept.filter((name) => name.startsWith(UploadId.read(id) ?? 'none'))).toHaveLength(1)
})

test('a URL is good only as it was signed', async () => {
  const { url } = await upload()
  const other = await upload()
  const change = (edit: (url: URL) => void) => {
    const changed = new URL(url)
    edit(changed)
    return changed.href
  }
  const past = String(Math.floor(Date.now() / 1000) - 10)
  const bad = [
    change(({ searchParams }) => searchParams.set('signature', 'x'.repeat(43))),
    change(({ searchParams }) => searchParams.delete('signature')),
    change(({ searchParams }) => searchParams.set('expires', '99999999999')),
    change(({ searchParams }) => searchParams.set('expires', past)),
    change(({ searchParams }) => searchParams.set('expires', 'never')),
    change((changed) => (changed.pathname = new URL(other.url).pathname)),
  ]
  for (const one of bad)
    expect(await send(one, Buffer.from('x'))).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN' },
    })
  expect((await fetch(url)).status).toBe(404)
  expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(404)
})

test('a download URL fetches and does nothing else', async () => {
  const deployment = await seedDeployment(app.admin)
  const { id, url } = await waitingVersion(app.admin, deployment.id)
  await send(url, await tarGz({ 'main.py': 'pass\n' }))
  const download = (await versionOf(app.admin, id)).archive?.downloadUrl ?? ''
  expect((await fetch(download)).status).toBe(200)
  expect((await fetch(download, { method: 'PUT', body: 'x' })).status).toBe(404)
  const asUpload = new URL(url)
  asUpload.search = new URL(download).search
  expect(await send(asUpload.href, Buffer.from('x'))).toMatchObject({ status: 403 })
  const forged = download.replace(/(?<=signature=)./, (first) => (first === '_' ? '-' : '_'))
  expect((await fetch(forged)).status).toBe(403)
})

describe('a download', () => {
  let url: string
  let bytes: Buffer
  let etag: string
  beforeAll(async () => {
    const deployment = await seedDeployment(app.admin)
    const version = await waitingVersion(app.admin, deployment.id)
    bytes = await tarGz({ 'main.py': 'pass\n', noise: randomBytes(200_000) })
    expect(await send(version.url, bytes)).toMatchObject({ status: 200 })
    url = (await versionOf(app.admin, version.id)).archive?.downloadUrl ?? ''
    etag = `"${createHash('sha256').update(bytes).digest('hex')}"`
  })

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

  test('no bytes but those that the caller names are sent', async () => {
    for (const named of [etag, `"other", ${etag}`, '*'])
      expect((await fetched({ 'if-match': named, range: 'bytes=0-9' })).status).toBe(206)
    for (const other of ['"other"', `W/${etag}`, '']) {
      const { status, body, said } = await fetched({ 'if-match': other, range: 'bytes=0-9' })
      expect([other, status, body.length, said.etag]).toEqual([other, 412, 0, etag])
    }
  })
})

// at the end: what follows on its connection finds that cut
test('more bytes than are allowed are refused, announced or not', async () => {
  const { createUpload } = await app.admin.request(CreateUpload, {
    input: { name: 'big', sizeBytes: MAX + 1 },
  })
  expect(createUpload).toMatchObject({ __typename: 'QuotaReached', limit: MAX })
  const { id, url } = await upload()
  expect(await send(url, randomBytes(MAX + 500_000))).toMatchObject({
    status: 413,
    body: { code: 'QUOTA_REACHED' },
  })
  expect((await app.admin.request(Upload, { id })).upload).toMatchObject({ receivedBytes: 0 })
})
