import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { testDatabase, type TestDatabase } from '../../testkit/database/database.ts'
import { DeleteService, StopService } from '../../testkit/operations/services.ts'
import { becomes, runningService } from '../../testkit/seed/services.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'
import { pageForward, type Line } from '../streams/follow.ts'

/*
 * One story for all samples: each is a program of its own, and all follow the same service. The server is killed while
 * its log runs, and started again; in the end the service is stopped and deleted.
 */
const folder = fileURLToPath(new URL('../../examples/frontends', import.meta.url))
const tsc = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin',
  'tsc',
)

const counter = `
let n = 0
setInterval(() => console.log('count ' + (n += 1)), 20)
export const handler = () => new Response('')`

class Sample {
  stdout = ''
  stderr = ''
  readonly child: ChildProcess

  readonly name: string

  constructor(name: string, server: TestServer, service: string) {
    this.name = name
    this.child = spawn(process.execPath, [`${folder}/dist/${name}/main.js`, service], {
      env: {
        PATH: process.env.PATH,
        MILLRACE_URL: server.url,
        MILLRACE_TOKEN: server.admin.token ?? '',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text))
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
  }

  /** The lines of the log it has printed. */
  get lines(): { number: number; text: string }[] {
    const found = this.stdout.matchAll(/^(\d+) (.*)$/gm)
    return [...found].map(([, number, text = '']) => ({ number: Number(number), text }))
  }

  /** The states of the service it has printed. */
  get states(): { status: string; revision: number }[] {
    const found = this.stdout.matchAll(/^\S+ is (\w+) \(revision (\d+)\)$/gm)
    return [...found].map(([, status = '', revision]) => ({ status, revision: Number(revision) }))
  }

  /** Waits for a fact of it; once it has ended it brings no other about. */
  async until(fact: (sample: Sample) => boolean): Promise<void> {
    const said = (): string => `${this.stdout.slice(-500)}\n${this.stderr}`
    const holds = (): boolean => {
      if (!fact(this) && this.child.exitCode !== null) throw new Error(`${said()}\nIt has ended.`)
      return fact(this)
    }
    await until(holds).catch((cause: unknown) => {
      throw new Error(`${fact.toString()} does not become true of ${this.name}:\n${said()}`, {
        cause,
      })
    })
  }
}

const names = ['urql', 'apollo', 'relay']
let database: TestDatabase
let server: TestServer
let samples: Sample[] = []
let stored: Line[]

beforeAll(async () => {
  await promisify(execFile)(process.execPath, [tsc, '-p', folder])
  database = await testDatabase()
  server = new TestServer(database)
  await server.start()
  const service = await runningService(server.admin, { 'main.mjs': counter }, { image: 'node' })
  samples = names.map((name) => new Sample(name, server, service.handle))
  const all = (fact: (sample: Sample) => boolean): Promise<unknown> =>
    Promise.all(samples.map((sample) => sample.until(fact)))
  await all(({ lines }) => lines.length > 50)

  await server.end('SIGKILL')
  const seen = Math.max(...samples.map(({ lines }) => lines.length))
  await server.start()
  await becomes(server.admin, service.id, 'READY')
  await all(({ lines }) => lines.length > seen + 50)

  await server.admin.request(StopService, { input: { id: service.id } })
  await all(({ states }) => states.at(-1)?.status === 'STOPPED')
  stored = await pageForward(server.admin, service.id)
  await server.admin.request(DeleteService, { input: { id: service.id } })
  await all(({ child }) => child.exitCode !== null)
})

afterAll(async () => {
  for (const { child } of samples) child.kill('SIGKILL')
  await server.end('SIGTERM')
  await database.drop()
})

const sample = (name: string): Sample => {
  const found = samples[names.indexOf(name)]
  if (found === undefined) throw new Error(`There is no sample ${name}.`)
  return found
}

it.each(names)(
  'the sample with %s prints every line once, in order, through a kill -9 of the server',
  (name) => {
    const { lines, stdout } = sample(name)
    expect(lines.map(({ number }) => number)).toEqual(lines.map((_, index) => index + 1))
    expect(lines.slice(0, stored.length)).toEqual(
      stored.map(({ number, text }) => ({ number, text })),
    )
    expect(stdout).not.toContain('are gone')
  },
)

it.each(names)(
  'the sample with %s prints the newest state of the service, never an older',
  (name) => {
    const { states } = sample(name)
    const revisions = states.map(({ revision }) => revision)
    expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b))
    expect(states.at(0)?.status).toBe('READY')
    expect(states.at(-1)?.status).toBe('STOPPED')
  },
)

it.each(names)('the sample with %s says that it has everything, and ends by itself', (name) => {
  const { child, lines, stdout, stderr } = sample(name)
  const everything = `log: this is the end; with 1 to ${lines.length} everything is here`
  expect(stdout.split('\n')).toContain(everything)
  expect(stdout).toMatch(/^events: this is the end/m)
  expect(child.exitCode, stderr).toBe(0)
})
