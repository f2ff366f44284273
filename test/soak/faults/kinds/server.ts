import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { tarGz } from '../../../../testkit/archive.ts'
import { onServer, urlOf } from '../../../../testkit/database/template.ts'
import { CreateVersion, Version } from '../../../../testkit/operations/deployments.ts'
import { look, ScaleService, update } from '../../../../testkit/operations/services.ts'
import { succeeded } from '../../../../testkit/outcome.ts'
import { becomes, seedVersion } from '../../../../testkit/seed/services.ts'
import { TestServer } from '../../../../testkit/server.ts'
import { both, firstPost, type Fault, type Injury, type Scene } from './fault.ts'

const killAll = ({ stage: { posts } }: Scene): Promise<unknown> =>
  Promise.all(posts.map(({ server }) => server.end('SIGKILL')))
const startAll = ({ stage: { posts } }: Scene): Promise<unknown> =>
  Promise.all(posts.map(({ server }) => server.start()))

/** All servers are killed soon after something was begun, and started again. */
function killedDuring(name: string, doing: (scene: Scene) => Promise<Injury['after']>): Fault {
  return {
    name: `all servers killed (kill -9) during ${name}`,
    on: both,
    holdMs: 500,
    async begin(scene) {
      const after = await doing(scene)
      await pause(scene.chance() * 800)
      await killAll(scene)
      const heal = async () => void (await startAll(scene))
      return { heal, ...(after === undefined ? {} : { after }) }
    },
  }
}

export const serverKilled: Fault = {
  name: 'a server killed (kill -9)',
  on: both,
  holdMs: 2_000,
  async begin({ stage }) {
    const { server } = firstPost(stage)
    await server.end('SIGKILL')
    return { heal: () => server.start() }
  },
}

export const serverFaults: readonly Fault[] = [
  serverKilled,
  killedDuring('load', async () => undefined),
  {
    name: 'a server killed (kill -9) five times while it starts',
    on: both,
    holdMs: 0,
    async begin({ stage, chance }) {
      const { server } = firstPost(stage)
      for (let times = 0; times < 5; times += 1) {
        await server.end('SIGKILL')
        const starting = server.start().catch(() => {}) // it is killed before
        await pause(200 + chance() * 2_000)
        await server.end('SIGKILL')
        await starting
      }
      return { heal: () => server.start() }
    },
  },
  {
    name: 'a server told to stop (SIGTERM) and started',
    on: both,
    holdMs: 500,
    async begin({ stage }) {
      const { server } = firstPost(stage)
      await server.end('SIGTERM')
      return { heal: () => server.start() }
    },
  },
  {
    name: 'a server frozen for longer than its lease',
    on: both,
    holdMs: 15_000,
    async begin({ stage }) {
      const { server } = firstPost(stage)
      process.kill(server.pid, 'SIGSTOP')
      return { heal: async () => void process.kill(server.pid, 'SIGCONT') }
    },
  },
  killedDuring('scaling', async ({ stage, load }) => {
    const { serviceId: id } = load.subjects
    await stage.direct.request(ScaleService, { input: { id, scale: { desired: 3 } } })
    return async () => {
      await becomes(stage.direct, id, 'READY')
      const service = await look(stage.direct, id)
      const count = service?.instances.length ?? 0
      return count === 3 ? [] : [`the service has ${count} of 3 instances`]
    }
  }),
  killedDuring('a rollout', async ({ stage, load }) => {
    const { serviceId: id, deploymentId } = load.subjects
    const { files } = load.program('rolled out')
    const versionId = await seedVersion(stage.direct, deploymentId, files)
    await update(stage.direct, { id, backend: { process: { versionId } } })
    return async () => {
      await becomes(stage.direct, id, 'READY')
      const service = await look(stage.direct, id)
      const isNew = service?.version.id === versionId
      return isNew ? [] : ['the version that was asked for is not rolled out']
    }
  }),
  killedDuring('an upload', async ({ stage, load }) => {
    const input = { deploymentId: load.subjects.deploymentId, label: 'uploaded' }
    const { createDeploymentVersion } = await stage.direct.request(CreateVersion, { input })
    const { version, upload } = succeeded(createDeploymentVersion, 'CreateDeploymentVersionSuccess')
    sendHalf(upload.url ?? '')
    return async () => {
      const body = new Uint8Array(await tarGz(load.program('uploaded').files))
      const { status } = await fetch(upload.url ?? '', { method: 'PUT', body })
      const { deploymentVersion: now } = await stage.direct.request(Version, { id: version.id })
      return status === 200 && now?.status === 'READY'
        ? []
        : [`the archive was answered ${status}, its version is ${now?.status}`]
    }
  }),
  {
    name: 'a server killed (kill -9) five times in its first migration',
    on: both,
    holdMs: 0,
    async begin({ stage, chance }) {
      const folder = await mkdtemp(join(tmpdir(), 'millrace-soak-new-'))
      const name = `fresh_${Math.floor(chance() * 1e9)}`
      const own = stage.postgres?.server.url
      if (own !== undefined)
        await onServer(own, (client) => client.query(`CREATE DATABASE ${name}`))
      const url = own === undefined ? {} : { url: urlOf(own, name) }
      const server = new TestServer({ ...url, dataDir: folder })
      let isReady = false
      for (let times = 0; times < 5; times += 1) {
        const starting = server.start().catch(() => {}) // it is killed before
        await pause(500 + chance() * 1_500)
        await server.end('SIGKILL')
        await starting
      }
      return {
        async heal() {
          await server.start()
          isReady = (await fetch(`${server.url}/readyz`)).ok
          await server.end('SIGKILL')
          await rm(folder, { recursive: true })
        },
        after: async () => (isReady ? [] : ['the server whose migration was cut off is not ready']),
      }
    },
  },
]

/** Sends a part of a body that was announced as larger. */
function sendHalf(url: string): void {
  const { host, hostname, port, pathname, search } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {}) // the server is killed
  socket.write(
    `PUT ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 200000\r\n\r\n`,
  )
  socket.write(Buffer.alloc(100_000, 'half an archive'))
}
