import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { request } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { storedZip, tar, type TarEntry, tarGz } from '../../testkit/archive.ts'
import {
  seedDeployment,
  seedService,
  seedVersion,
  send,
  versionOf,
  waitingVersion,
} from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'

const MAX_UNPACKED = 1_000_000

const VersionHistory = graphql(`
  query ArchivesHistory($id: ID!) {
    activity(first: 100, filter: { subjectIds: [$id], actions: ["versionStatusChanged"] }) {
      nodes {
        changes {
          field
          to
        }
      }
    }
  }
`)

let app: TestApp
beforeAll(async () => {
  app = await testApp({ MAX_UNPACKED_BYTES: String(MAX_UNPACKED), MAX_ARCHIVE_FILES: '50' })
})
afterAll(() => app.close())

/** Files of the data folder that hold something sent to us. */
async function kept(folder = app.database.dataDir): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map(({ parentPath, name }) => `${parentPath}/${name}`)
    .filter((path) => !path.startsWith(`${app.database.dataDir}/postgres`))
    .toSorted()
}

/** Those that hold what was sent, whatever services do with it meanwhile in folders of their own. */
const stored = () => kept(`${app.database.dataDir}/storage`)

const targz = async (...entries: TarEntry[]) => gzipSync(await tar(entries))
const main = { name: 'main.py', body: 'def handler(request, context):\n    return {}\n' }

const hostile: Record<string, () => Promise<Uint8Array>> = {
  'has an absolute path': () => targz(main, { name: '/etc/evil', body: 'x' }),
  'climbs out of its folder': () => targz(main, { name: 'a/../../evil', body: 'x' }),
  'links out of its folder': () =>
    targz(main, { name: 'out', type: 'symlink', linkname: '../../../etc/passwd' }),
  'links to an absolute path': () =>
    targz(main, { name: 'out', type: 'symlink', linkname: '/etc/passwd' }),
  'unpacks to more than is allowed': () =>
    targz(main, { name: 'zeros', body: Buffer.alloc(MAX_UNPACKED + 1) }),
  'holds more files than are allowed': () =>
    targz(...Array.from({ length: 51 }, (_, n) => ({ name: `f${n}`, body: '' }))),
  'has folders too deep within each other': () =>
    targz(main, { name: 'a/'.repeat(101), type: 'directory' }),
  'has control characters in a name': () =>
    targz(main, { name: 'a\u001b]0;mine\u0007', body: 'x' }),
  'is none': () => Promise.resolve(Buffer.from('<html>this is no archive</html>')),
  'is cut off': async () => {
    const noise = Buffer.from(Array.from({ length: 20_000 }, (_, n) => (n * 7919) % 251))
    const whole = await targz(main, { name: 'noise', body: noise })
    return whole.subarray(0, whole.length - 20)
  },
  'is empty': () => Promise.resolve(new Uint8Array()),
}

test.each(Object.keys(hostile))(
  'an archive that %s is refused and leaves nothing behind',
  async (what) => {
    const deployment = await seedDeployment(app.admin)
    const { id, url } = await waitingVersion(app.admin, deployment.id)
    const before = await kept()

    const { status, body } = await send(url, (await hostile[what]?.()) ?? new Uint8Array())
    expect({ status, body }).toEqual({
      status: 400,
      body: {
        type: 'about:blank',
        title: 'Bad Request',
        status: 400,
        detail: expect.stringMatching(/^archive: .{10,}/),
        code: 'VALIDATION',
        issues: [{ path: ['archive'], message: expect.any(String), rule: 'archive' }],
      },
    })
    expect(await versionOf(app.admin, id)).toMatchObject({
      status: 'REJECTED',
      rejection: expect.stringMatching(/.{10,}/),
      archive: null,
    })
    expect(await kept()).toEqual(before)

    expect(await send(url, await targz(main))).toMatchObject({ status: 200 })
    expect(await versionOf(app.admin, id)).toMatchObject({ status: 'READY', rejection: null })
  },
)

test('the bytes that were sent come back unchanged, without a credential', async () => {
  const deployment = await seedDeployment(app.admin)
  const { id, url } = await waitingVersion(app.admin, deployment.id)
  const bytes = await tarGz({ 'main.py': main.body, 'data.bin': Buffer.from([0, 255, 10, 13]) })
  expect(await send(url, bytes)).toMatchObject({ status: 200 })

  const { archive } = await versionOf(app.admin, id)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  expect(archive).toMatchObject({ sha256, sizeBytes: bytes.length })
  const response = await fetch(archive?.downloadUrl ?? '')
  expect(response.headers.get('etag')).toBe(`"${sha256}"`)
  expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true)
})

test('a READY version keeps its archive: the same bytes are answered again, others refused', async () => {
  const deployment = await seedDeployment(app.admin)
  const { id, url } = await waitingVersion(app.admin, deployment.id)
  const [bytes, others] = [await tarGz({ 'main.py': main.body }), await tarGz({ 'main.py': '1' })]
  expect(await send(url, bytes)).toMatchObject({ status: 200 })
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const before = await kept()
  const stays = async () => {
    expect(await send(url, bytes)).toMatchObject({ status: 200 })
    for (const wrong of [others, Buffer.from('nothing'), bytes.subarray(0, -1), Buffer.of()])
      expect(await send(url, wrong)).toMatchObject({ status: 409, body: { code: 'CONFLICT' } })
    const { archive, ...version } = await versionOf(app.admin, id)
    expect(version).toMatchObject({ status: 'READY', rejection: null })
    expect(archive).toMatchObject({ sha256, sizeBytes: bytes.length })
  }
  await stays()
  expect(await kept()).toEqual(before)
  await seedService(app.admin, id)
  await stays()
})

test('of different archives that are sent at once one is taken for good, and nothing else is kept', async () => {
  const deployment = await seedDeployment(app.admin)
  const { id, url } = await waitingVersion(app.admin, deployment.id)
  const good = await Promise.all([1, 2, 3].map((n) => tarGz({ 'main.py': `# ${id} ${n}` })))
  const bad = [1, 2].map((n) => Buffer.from(`no archive ${n}`))
  const before = await stored()
  const first = await Promise.all([...good, ...bad].map((bytes) => send(url, bytes)))
  const statuses = first.map(({ status }) => status)
  expect(statuses.filter((status) => status === 200)).toHaveLength(1)
  for (const status of statuses.slice(0, 3)) expect([200, 409]).toContain(status)
  for (const status of statuses.slice(3)) expect([400, 409]).toContain(status)
  const winner = good[statuses.indexOf(200)] ?? Buffer.of()
  expect(await versionOf(app.admin, id)).toMatchObject({
    status: 'READY',
    rejection: null,
    archive: { sha256: createHash('sha256').update(winner).digest('hex') },
  })
  expect((await stored()).length).toBe(before.length + 1)
  expect(await send(url, winner)).toMatchObject({ status: 200 })
})

test('the same archive, sent several times at once, is taken once and answered each time', async () => {
  const deployment = await seedDeployment(app.admin)
  const { id, url } = await waitingVersion(app.admin, deployment.id)
  const bytes = await tarGz({ 'main.py': `# ${id}` })
  const answers = await Promise.all([1, 2, 3, 4].map(() => send(url, bytes)))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  const { activity } = await app.admin.request(VersionHistory, { id })
  const ready = activity.nodes.filter(({ changes }) =>
    changes.some(({ field, to }) => field === 'status' && to === 'READY'),
  )
  expect(ready).toHaveLength(1)
})

test('an upload that was cut off leaves its URL good for another archive', async () => {
  const deployment = await seedDeployment(app.admin)
  const { id, url } = await waitingVersion(app.admin, deployment.id)
  const before = await stored()
  const half = request(url, { method: 'PUT', headers: { 'content-length': '1000' } })
  half.on('error', () => {}) // it is cut off
  half.write('half')
  await until(async () => (await stored()).length > before.length)
  half.destroy()
  await until(async () => (await stored()).length === before.length)
  expect(await versionOf(app.admin, id)).toMatchObject({ status: 'AWAITING_ARCHIVE' })
  expect(await send(url, await targz(main))).toMatchObject({ status: 200 })
  expect(await versionOf(app.admin, id)).toMatchObject({ status: 'READY' })
})

test('a zip archive whose files are stored as they are is taken', async () => {
  const deployment = await seedDeployment(app.admin)
  const { id, url } = await waitingVersion(app.admin, deployment.id)
  expect(await send(url, storedZip({ name: 'main.py', content: main.body }))).toMatchObject({
    status: 200,
  })
  expect(await versionOf(app.admin, id)).toMatchObject({ status: 'READY' })
})

test('what macOS has added to an archive is not unpacked, and told', async () => {
  const deployment = await seedDeployment(app.admin)
  const { id, url } = await waitingVersion(app.admin, deployment.id)
  const added = { name: 'a/.DS_Store', body: 'Bud1' }
  expect(await send(url, await targz(added))).toMatchObject({ status: 400 })
  expect(await versionOf(app.admin, id)).toMatchObject({
    rejection: 'The archive is empty: it has no files but those that macOS adds.',
  })
  expect(await send(url, await targz(main, added))).toMatchObject({ status: 200 })
  expect(await versionOf(app.admin, id)).toMatchObject({
    status: 'READY',
    archive: { leftOut: ['a/.DS_Store'] },
  })
})

test('two versions of the same bytes have an archive each', async () => {
  const deployment = await seedDeployment(app.admin)
  const files = { 'main.py': main.body }
  const [one, two] = await Promise.all([
    seedVersion(app.admin, deployment.id, files),
    seedVersion(app.admin, deployment.id, files),
  ])
  const archives = [await versionOf(app.admin, one), await versionOf(app.admin, two)]
  for (const { archive } of archives)
    expect((await fetch(archive?.downloadUrl ?? '')).status).toBe(200)
})
