import { randomUUID } from 'node:crypto'
import { readdir, rename, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { tar, tarGz } from '../../testkit/archive.ts'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { python } from '../../testkit/seed/programs.ts'
import { becomes, seedDeployment, seedService } from '../../testkit/seed/services.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'

vi.setConfig({ testTimeout: 90_000 })

let database: TestDatabase
let server: TestServer
beforeAll(async () => {
  database = await testDatabase()
  server = new TestServer(database)
  await server.start()
})
afterAll(async () => {
  await server.end('SIGKILL')
  await database.drop()
})

const CreateVersion = graphql(`
  mutation CrashVersion($input: CreateDeploymentVersionInput!) {
    createDeploymentVersion(input: $input) {
      __typename
      ... on CreateDeploymentVersionSuccess {
        version {
          id
        }
        upload {
          url
        }
      }
    }
  }
`)

const VersionStatus = graphql(`
  query CrashVersionStatus($id: ID!) {
    deploymentVersion(id: $id) {
      status
      rejection
      archive {
        sizeBytes
      }
    }
  }
`)

test('an upload that was cut off by the death of the server leaves nothing, and is sent again', async () => {
  const deployment = await seedDeployment(server.admin)
  const input = { deploymentId: deployment.id, label: '1' }
  const { createDeploymentVersion } = await server.admin.request(CreateVersion, { input })
  const { version, upload } = succeeded(createDeploymentVersion, 'CreateDeploymentVersionSuccess')
  const incoming = join(database.dataDir, 'storage/incoming')
  const socket = half(upload.url ?? '', Buffer.alloc(100_000, 'half an archive'))
  await until(async () => (await readdir(incoming)).length === 1)
  await server.end('SIGKILL')
  socket.destroy()

  await server.start()
  await until(async () => (await readdir(incoming)).length === 0)
  const before = await server.admin.request(VersionStatus, { id: version.id })
  expect(before.deploymentVersion).toMatchObject({ status: 'AWAITING_ARCHIVE', archive: null })
  const body = new Uint8Array(await tarGz(python.files))
  const sent = await fetch(upload.url ?? '', { method: 'PUT', body })
  expect(sent.status).toBe(200)
  const after = await server.admin.request(VersionStatus, { id: version.id })
  expect(after.deploymentVersion).toMatchObject({
    status: 'READY',
    archive: { sizeBytes: body.length },
  })
  const service = await seedService(server.admin, version.id)
  await becomes(server.admin, service.id, 'READY')
})

/** An archive like no other, which takes a while to be looked through. */
const slowArchive = async () =>
  new Uint8Array(
    gzipSync(
      await tar([
        { name: 'main.py', body: 'def handler(request, context):\n    return {}\n' },
        { name: 'zeros', body: Buffer.alloc(300_000_000) },
        { name: randomUUID(), body: '' },
      ]),
      { level: 1 },
    ),
  )

/** A version whose archive is being checked when its server is killed; `objects` are what Storage has of uploads. */
async function killedChecking() {
  const deployment = await seedDeployment(server.admin)
  const input = { deploymentId: deployment.id, label: '1' }
  const { createDeploymentVersion } = await server.admin.request(CreateVersion, { input })
  const { version, upload } = succeeded(createDeploymentVersion, 'CreateDeploymentVersionSuccess')
  const body = await slowArchive()
  const url = upload.url ?? ''
  const sent = fetch(url, { method: 'PUT', body }).then(
    ({ status }) => status,
    () => 'cut off',
  )
  const read = async () =>
    (await server.admin.request(VersionStatus, { id: version.id })).deploymentVersion
  await until(async () => (await read())?.status === 'CHECKING')
  await server.end('SIGKILL')
  expect(await sent).toBe('cut off')
  const folder = join(database.dataDir, 'storage/objects/uploads+')
  const objects = async () => (await readdir(folder)).map((name) => join(folder, name))
  expect(await objects()).toHaveLength(1)
  const events = async () => {
    const { deployment: found } = await server.admin.request(VersionEvents, { id: deployment.id })
    return found?.events.nodes
  }
  return { body, url, read, objects, events }
}

const VersionEvents = graphql(`
  query CrashVersionEvents($id: ID!) {
    deployment(id: $id) {
      events {
        nodes {
          kind
          changes {
            field
            to
          }
        }
      }
    }
  }
`)

test('an archive whose check the death of the server cut short is checked by the server that comes again', async () => {
  const { body, read, objects, events } = await killedChecking()
  await server.start()
  await until(async () => (await read())?.status === 'READY', { timeoutMs: 60_000 })
  expect(await read()).toMatchObject({ archive: { sizeBytes: body.length } })
  const kinds = (await events())?.map(({ kind }) => kind)
  expect(kinds?.slice(-2)).toEqual(['VERSION_CHECKING', 'VERSION_READY'])
  await until(async () => (await objects()).length === 0)
})

test('a check whose bytes are gone is given up, says why, and takes the archive again', async () => {
  const { body, url, read, objects, events } = await killedChecking()
  for (const file of await objects()) await rm(file)
  await server.start()
  await until(async () => (await read())?.status === 'REJECTED', { timeoutMs: 60_000 })
  const why = (await read())?.rejection
  expect(why).toContain('send the archive again')
  expect((await events())?.at(-1)).toMatchObject({
    kind: 'VERSION_REJECTED',
    changes: expect.arrayContaining([{ field: 'rejection', to: why }]),
  })
  expect((await fetch(url, { method: 'PUT', body })).status).toBe(200)
  expect(await read()).toMatchObject({ status: 'READY', rejection: null })
})

test('what a dead server has left of uploads is taken up once a round while Storage is away, and all of it after that', async () => {
  const deployment = await seedDeployment(server.admin)
  const input = { deploymentId: deployment.id, label: '1' }
  const { createDeploymentVersion } = await server.admin.request(CreateVersion, { input })
  const { upload } = succeeded(createDeploymentVersion, 'CreateDeploymentVersionSuccess')
  const socket = half(upload.url ?? '', Buffer.alloc(100_000, 'half an archive'))
  const { read, objects } = await killedChecking()
  socket.destroy()
  const folder = join(database.dataDir, 'storage/objects/uploads+')
  await rename(folder, `${folder}.away`)
  await writeFile(folder, 'no folder')
  await server.start()
  const tries = () => server.output.split('"sweep":"left uploads"').length - 1
  const before = tries()
  await until(() => tries() >= before + 5, { timeoutMs: 30_000 })
  await rm(folder)
  await rename(`${folder}.away`, folder)
  await until(async () => (await read())?.status !== 'CHECKING', { timeoutMs: 60_000 })
  expect(await read()).toMatchObject({ status: 'READY', rejection: null })
  await until(async () => (await objects()).length === 0)
})

/** Sends these bytes of a body that was announced as twice as long. */
function half(url: string, bytes: Buffer): Socket {
  const { host, hostname, port, pathname, search } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {}) // the server is killed
  socket.write(
    `PUT ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: ${bytes.length * 2}\r\n\r\n`,
  )
  socket.write(bytes)
  return socket
}
