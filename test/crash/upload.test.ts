import { randomUUID } from 'node:crypto'
import { readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tar, tarGz } from '../../testkit/archive.ts'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { DeploymentEvents } from '../../testkit/operations/deployments.ts'
import { python } from '../../testkit/seed/programs.ts'
import {
  becomes,
  seedDeployment,
  seedService,
  versionOf,
  waitingVersion,
} from '../../testkit/seed/services.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'

/*
 * A server is killed while one archive is on its way to it and it checks two others. It comes again while Storage is
 * away; then Storage comes back, without the bytes of one of the two.
 */
let database: TestDatabase
let server: TestServer
let incoming: string
/** What Storage has of uploads that are not settled. */
let unsettled: string
let half: Awaited<ReturnType<typeof waiting>>
let kept: Checked
let gone: Checked
beforeAll(async () => {
  database = await testDatabase()
  incoming = join(database.dataDir, 'storage/incoming')
  unsettled = join(database.dataDir, 'storage/objects/uploads+')
  server = new TestServer(database)
  await server.start()
  half = await waiting()
  const socket = sendHalf(half.url, Buffer.alloc(100_000, 'half an archive'))
  await until(async () => (await readdir(incoming)).length === 1)

  const long = await longArchive()
  ;[kept, gone] = await Promise.all([sending(long(1)), sending(long(2))])
  await until(
    async () => (await kept.status()) === 'CHECKING' && (await gone.status()) === 'CHECKING',
    { everyMs: 10 },
  )
  await server.end('SIGKILL')
  socket.destroy()
  for (const { sent } of [kept, gone]) expect(await sent).toBe('cut off')
  const objects = await objectsOfUploads()
  expect(new Set(objects.map(({ size }) => size))).toEqual(
    new Set([kept, gone].map(({ body }) => body.length)),
  )
  const [lost] = objects.filter(({ size }) => size === gone.body.length)
  await rm(lost?.path ?? '')
  await rename(unsettled, `${unsettled}.away`)
  await writeFile(unsettled, 'no folder')
  await server.start()
})
afterAll(async () => {
  await server.end('SIGKILL')
  await database.drop()
})

async function waiting() {
  const { id: deploymentId } = await seedDeployment(server.admin)
  return { deploymentId, ...(await waitingVersion(server.admin, deploymentId)) }
}

/** Makes archives like no other, which take a while to be looked through: each `n` makes one of another size. */
async function longArchive(): Promise<(n: number) => Promise<Uint8Array<ArrayBuffer>>> {
  const END_BYTES = 1024
  const long = await tar([
    { name: 'main.py', body: 'def handler(request, context):\n    return {}\n' },
    { name: 'zeros', body: Buffer.alloc(300_000_000) },
  ])
  const begin = gzipSync(long.subarray(0, -END_BYTES), { level: 1 })
  return async (n) => {
    const end = await tarGz({
      [randomUUID()]: '',
      more: Buffer.from(crypto.getRandomValues(new Uint8Array(1_000 * n))),
    })
    return new Uint8Array(Buffer.concat([begin, end]))
  }
}

type Checked = Awaited<ReturnType<typeof sending>>

/** A version whose archive is being sent. */
async function sending(archive: Promise<Uint8Array<ArrayBuffer>>) {
  const [body, version] = [await archive, await waiting()]
  const sent = fetch(version.url, { method: 'PUT', body }).then(
    ({ status }) => status,
    () => 'cut off',
  )
  const read = () => versionOf(server.admin, version.id)
  return {
    ...version,
    body,
    sent,
    read,
    status: async () => (await read()).status,
    events: async () => {
      const { deploymentId } = version
      const { deployment } = await server.admin.request(DeploymentEvents, { deploymentId })
      return deployment?.events.nodes ?? []
    },
  }
}

async function objectsOfUploads() {
  const paths = (await readdir(unsettled)).map((name) => join(unsettled, name))
  return Promise.all(paths.map(async (path) => ({ path, size: (await stat(path)).size })))
}

const tries = () => server.output.split('"sweep":"left uploads"').length - 1

test('what a dead server has left of uploads is taken up once a round while Storage is away', async () => {
  const before = tries()
  await until(() => tries() >= before + 5)
  for (const { status } of [kept, gone]) expect(await status()).toBe('CHECKING')
  await rm(unsettled)
  await rename(`${unsettled}.away`, unsettled)
})

test('an upload that was cut off by the death of the server leaves nothing, and is sent again', async () => {
  const { id, url } = half
  await until(async () => (await readdir(incoming)).length === 0)
  const before = await versionOf(server.admin, id)
  expect(before).toMatchObject({ status: 'AWAITING_ARCHIVE', archive: null })
  const body = new Uint8Array(await tarGz(python.files))
  const sent = await fetch(url, { method: 'PUT', body })
  expect(sent.status).toBe(200)
  expect(await versionOf(server.admin, id)).toMatchObject({
    status: 'READY',
    archive: { sizeBytes: body.length },
  })
  const service = await seedService(server.admin, id)
  await becomes(server.admin, service.id, 'READY')
})

test('an archive whose check the death of the server cut short is checked by the server that comes again', async () => {
  const { body, read, status, events } = kept
  await until(async () => (await status()) !== 'CHECKING')
  expect(await read()).toMatchObject({
    status: 'READY',
    rejection: null,
    archive: { sizeBytes: body.length },
  })
  const kinds = (await events()).map(({ kind }) => kind)
  expect(kinds.slice(-2)).toEqual(['VERSION_CHECKING', 'VERSION_READY'])
})

test('a check whose bytes are gone is given up, says why, and takes the archive again', async () => {
  const { body, url, read, status, events } = gone
  await until(async () => (await status()) === 'REJECTED')
  const why = (await read()).rejection
  expect(why).toContain('send the archive again')
  expect((await events()).at(-1)).toMatchObject({
    kind: 'VERSION_REJECTED',
    changes: expect.arrayContaining([expect.objectContaining({ field: 'rejection', to: why })]),
  })
  expect((await fetch(url, { method: 'PUT', body })).status).toBe(200)
  expect(await read()).toMatchObject({ status: 'READY', rejection: null })
  await until(async () => (await objectsOfUploads()).length === 0)
})

/** Sends these bytes of a body that was announced as twice as long. */
function sendHalf(url: string, bytes: Buffer): Socket {
  const { host, hostname, port, pathname, search } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {}) // the server is killed
  socket.write(
    `PUT ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: ${bytes.length * 2}\r\n\r\n`,
  )
  socket.write(bytes)
  return socket
}
