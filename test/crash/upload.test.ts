import { readdir } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { graphql } from '../generated/index.ts'
import { tarGz } from '../support/archive.ts'
import { testDatabase, type TestDatabase } from '../support/database.ts'
import { becomes, seedDeployment, seedService, succeeded } from '../support/seed.ts'
import { TestServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { python } from './programs.ts'

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
  expect(before.deploymentVersion).toEqual({ status: 'AWAITING_ARCHIVE', archive: null })
  const body = new Uint8Array(await tarGz(python.files))
  const sent = await fetch(upload.url ?? '', { method: 'PUT', body })
  expect(sent.status).toBe(200)
  const after = await server.admin.request(VersionStatus, { id: version.id })
  expect(after.deploymentVersion).toEqual({
    status: 'READY',
    archive: { sizeBytes: body.length },
  })
  const service = await seedService(server.admin, version.id)
  await becomes(server.admin, service.id, 'READY')
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
