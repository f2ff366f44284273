import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createWorker, type Worker } from '../../../src/worker/index.ts'
import type { TypedDocumentString } from '../../../testkit/generated/graphql.ts'
import { Client } from '../../../testkit/client.ts'
import { UpdateDeployment } from '../../../testkit/operations/deployments.ts'
import { Submit } from '../../../testkit/operations/jobs.ts'
import { Activities } from '../../../testkit/operations/organizations.ts'
import { UpdateService } from '../../../testkit/operations/services.ts'
import { seedQueue, submit } from '../../../testkit/seed/jobs.ts'
import {
  becomes,
  seedDeployment,
  seedService,
  seedVersion,
} from '../../../testkit/seed/services.ts'
import { counter } from './programs.ts'
import type { Subjects } from './streams.ts'

const EVERY_MS = 150
/** After so long without an answer a mutation is sent again, with its key. */
const PATIENCE_MS = 10_000
/** Lines that each job logs. */
export const JOB_LINES = 3

/** What a mutation that is a success or a typed refusal answers. */
interface Outcome {
  readonly __typename: string
  readonly code?: string
  readonly message?: string
}

/** What was acknowledged, and what was refused that should not have been. */
export interface Ledger {
  /** Descriptions of the service that were taken, in their order. */
  readonly service: number[]
  /** The same of the deployment. */
  readonly deployment: number[]
  /** Jobs that were taken: what they were given, and their ids. */
  readonly jobs: Map<number, string>
  readonly refused: string[]
}

/**
 * Writes known sequences into every kind of stream: a service that prints numbered lines, descriptions of a service
 * and a deployment, and jobs that workers do. Each write has a key and is sent, by each way in turn, until it is
 * acknowledged.
 */
export class Load {
  readonly ledger: Ledger = { service: [], deployment: [], jobs: new Map(), refused: [] }
  readonly subjects: Subjects
  readonly versionId: string
  readonly #folder: string
  readonly #ways: readonly Client[]
  readonly #workers: readonly Worker[]
  readonly #stopping = new AbortController()
  readonly #finishing = new AbortController()
  #writing: readonly Promise<void>[] = []

  private constructor(
    subjects: Subjects,
    versionId: string,
    folder: string,
    ways: readonly Client[],
  ) {
    this.subjects = subjects
    this.versionId = versionId
    this.#folder = folder
    this.#ways = ways.map(({ url, token }) => new Client(url, token, PATIENCE_MS))
    this.#workers = ways.map(({ url, token }, place) => this.#worker(url, token, place))
  }

  /** Makes all that is written to, waits until it runs, and begins. `direct` reaches a server, `ways` are how the load does. */
  static async begin(direct: Client, ways: readonly Client[]): Promise<Load> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-soak-load-'))
    await chmod(folder, 0o777) // a service runs as a user of its own
    const deployment = await seedDeployment(direct)
    const { activity } = await direct.request(Activities, { first: 1 })
    const versionId = await seedVersion(direct, deployment.id, counter(folder).files)
    const service = await seedService(direct, versionId)
    const queueId = await seedQueue(direct)
    const long = await submit(direct, queueId, { parameters: { n: -1 }, maxAttempts: 100 })
    await becomes(direct, service.id, 'READY')
    const subjects: Subjects = {
      serviceId: service.id,
      deploymentId: deployment.id,
      queueId,
      jobId: long.id,
      history: {
        cursor: activity.pageInfo.startCursor ?? 'start',
        number: activity.nodes[0]?.number ?? 0,
      },
    }
    const load = new Load(subjects, versionId, folder, ways)
    load.#writing = [load.#describeService(), load.#describeDeployment(), load.#submitJobs()]
    return load
  }

  /** The program of the service, as another version would be. */
  program(label: string) {
    return counter(this.#folder, label)
  }

  /** How far each process of the service has counted: what it has printed at least. */
  async printed(): Promise<Map<string, number>> {
    const names = await readdir(this.#folder)
    const counts = names.map(
      async (name) =>
        [name, Number(await readFile(join(this.#folder, name), 'utf8').catch(() => '0'))] as const,
    )
    return new Map(await Promise.all(counts))
  }

  /** Resolves when a write that is begun now was acknowledged. */
  async writes(): Promise<void> {
    const { service, deployment, jobs } = this.ledger
    const before = [service.length, deployment.length, jobs.size]
    const now = () => [service.length, deployment.length, jobs.size]
    while (!this.#stopping.signal.aborted && now().some((n, i) => n < (before[i] ?? 0) + 2))
      await pause(20)
  }

  /** Begins nothing more; resolves when all that was begun is acknowledged. */
  async rest(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#writing)
  }

  /** Lets the long job come to its end. */
  finish(): void {
    this.#finishing.abort()
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    this.#finishing.abort()
    await Promise.all([...this.#writing, ...this.#workers.map((worker) => worker.stop())])
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Sends until it is acknowledged; answers undefined once a refusal is final. */
  async #send<Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentString<Data, Variables>,
    variables: Variables,
    outcomeOf: (data: Data) => Outcome,
  ): Promise<Data | undefined> {
    for (let turn = 0; ; turn += 1) {
      const way = this.#ways[turn % this.#ways.length]
      // away, or a mutation that ends by an error: whoever sends it again with its key has it done once
      const answer = await way?.execute(document, ...([variables] as never)).catch(() => undefined)
      if (answer?.data != null && answer.errors === undefined) {
        const { __typename, code, message } = outcomeOf(answer.data)
        if (__typename.endsWith('Success')) return answer.data
        if (code !== 'UNAVAILABLE') {
          this.ledger.refused.push(`${__typename}: ${message}`)
          return undefined
        }
      }
      await pause(EVERY_MS)
      if (this.#stopping.signal.aborted && turn > 200) {
        this.ledger.refused.push(`no answer after ${turn} tries: ${JSON.stringify(answer)}`)
        return undefined
      }
    }
  }

  async #every(write: (n: number) => Promise<void>): Promise<void> {
    for (let n = 1; !this.#stopping.signal.aborted; n += 1) {
      await write(n)
      await pause(EVERY_MS)
    }
  }

  #describeService(): Promise<void> {
    const { serviceId: id } = this.subjects
    return this.#every(async (n) => {
      const input = { id, description: String(n), idempotencyKey: `${id}.${n}` }
      const sent = await this.#send(UpdateService, { input }, (data) => data.updateService)
      if (sent !== undefined) this.ledger.service.push(n)
    })
  }

  #describeDeployment(): Promise<void> {
    const { deploymentId: id } = this.subjects
    return this.#every(async (n) => {
      const input = { id, description: String(n), idempotencyKey: `${id}.${n}` }
      const sent = await this.#send(UpdateDeployment, { input }, (data) => data.updateDeployment)
      if (sent !== undefined) this.ledger.deployment.push(n)
    })
  }

  #submitJobs(): Promise<void> {
    const { queueId: serviceId } = this.subjects
    return this.#every(async (n) => {
      const idempotencyKey = `${serviceId}.${n}`
      const input = { serviceId, parameters: { n }, maxAttempts: 100, idempotencyKey }
      const sent = await this.#send(Submit, { input }, (data) => data.submitJob)
      if (sent?.submitJob.__typename === 'SubmitJobSuccess')
        this.ledger.jobs.set(n, sent.submitJob.job.id)
    })
  }

  #worker(url: string, token: string | undefined, place: number): Worker {
    const finishing = this.#finishing.signal
    const worker = createWorker<{ n: number }>({
      url,
      token,
      service: this.subjects.queueId,
      name: `soak ${place}`,
      concurrency: 4,
      leaseSeconds: 5,
      graceSeconds: 1,
      stopOn: [],
      async handler({ parameters: { n }, job: { attempt }, log, signal }) {
        if (n === -1)
          for (let line = 1; !finishing.aborted && !signal.aborted; line += 1) {
            await log(`${attempt} ${line}`)
            await pause(100)
          }
        else for (let line = 1; line <= JOB_LINES; line += 1) await log(`${attempt} ${line}`)
        signal.throwIfAborted()
        return { n, attempt }
      },
    })
    worker.finished.catch((cause: unknown) =>
      this.ledger.refused.push(`the worker has ended: ${String(cause)}`),
    )
    return worker
  }
}
