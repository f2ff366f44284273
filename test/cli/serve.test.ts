import { afterAll, beforeAll, expect, it } from 'vitest'
import { millrace, RunningCommand } from '../../testkit/cli.ts'
import { type TestDatabase, testEmbedded } from '../../testkit/database/database.ts'
import { testFolder, type TestFolder } from '../../testkit/folder.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'

let database: TestDatabase
let other: TestDatabase
let server: TestServer
let folder: TestFolder

beforeAll(async () => {
  database = await testEmbedded()
  other = await testEmbedded()
  server = new TestServer(database, { AUTH: 'open' })
  await server.start()
  folder = await testFolder()
})
afterAll(async () => {
  await server.end('SIGTERM')
  await database.drop()
  await other.drop()
  await folder.remove()
})

it('it says where everything is', () => {
  const { output, url } = server
  for (const fact of [
    `${url}/graphql`,
    `${url}/healthz`,
    `${url}/readyz`,
    'admin-token',
    'AUTH is open',
  ])
    expect(output).toContain(fact)
})

const refused = async (env: Record<string, string>): Promise<string> => {
  const { code, stdout, stderr } = await millrace(['serve'], {
    env: { LOG_LEVEL: 'silent', ...env },
  })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  return stderr
}

it('a port in use, a data folder in use and a wrong setting are told in one sentence each', async () => {
  const { port } = new URL(server.url)
  expect(await refused({ DATA_DIR: other.dataDir, PORT: port })).toBe(
    `Port ${port} of 127.0.0.1 is in use. Stop the program that uses it, or set PORT to another port (0 takes any free port).\n`,
  )
  expect(await refused({ DATA_DIR: database.dataDir, PORT: '0' })).toMatch(
    /^The data folder \S+ is in use by process \d+: .+\n$/,
  )
  expect(await refused({ PORT: 'http', DATA_DIR: folder.path })).toMatch(/^PORT must be .+\.\n$/)
})

it('SIGTERM drains and ends with 0', async () => {
  const running = new RunningCommand(['serve'], {
    env: { DATA_DIR: other.dataDir, PORT: '0', LOG_LEVEL: 'silent' },
  })
  await until(() => running.stdout.includes('Millrace is ready'))
  running.signal('SIGTERM')
  expect(await running.ended()).toMatchObject({ code: 0 })
})

it('migrate brings a database up to date and says what it did', async () => {
  const env = { DATA_DIR: folder.path }
  const first = await millrace(['migrate', '--json'], { env })
  const { applied } = JSON.parse(first.stdout) as { applied: string[] } // what is expected below
  expect(applied.length).toBeGreaterThan(0)
  expect(await millrace(['migrate'], { env })).toMatchObject({
    code: 0,
    stdout: 'The database is up to date.\n',
  })
})
