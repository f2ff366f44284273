import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { settings } from '../../testkit/app.ts'
import { millrace } from '../../testkit/cli.ts'
import { testDatabase, type TestDatabase, testEmbedded } from '../../testkit/database/database.ts'
import { isAlive } from '../../testkit/machine/alive.ts'
import { processesWith } from '../../testkit/machine/processes.ts'
import { look, remove } from '../../testkit/operations/services.ts'
import { ServiceLogs } from '../../testkit/operations/streams.ts'
import { command, python } from '../../testkit/seed/programs.ts'
import { becomes, linesOf, runningService } from '../../testkit/seed/services.ts'
import { TestServer } from '../../testkit/server.ts'
import { until } from '../../testkit/until.ts'

let database: TestDatabase
let server: TestServer
beforeAll(async () => {
  database = await testDatabase()
  server = new TestServer(database, { STOP_GRACE_SECONDS: '10' })
  await server.start()
})
afterAll(async () => {
  await server.end('SIGKILL')
  await database.drop()
})

test.concurrent('a second server on the same data folder is refused with one sentence', async () => {
  const second = await millrace(['serve'], { env: settings(database) })
  expect(second).toEqual({
    code: 1,
    stdout: '',
    stderr: `The data folder ${database.dataDir} is in use by process ${server.pid}: stop that one first, or set DATA_DIR to another folder.\n`,
  })
})

test.concurrent('a port that is taken is told in one sentence', async () => {
  const other = await testEmbedded()
  const { port } = new URL(server.url)
  try {
    const env = { ...settings(other), PORT: port, LOG_LEVEL: 'warn' }
    const second = await millrace(['serve'], { env })
    expect(second).toEqual({
      code: 1,
      stdout: '',
      stderr: `Port ${port} of 127.0.0.1 is in use. Stop the program that uses it, or set PORT to another port (0 takes any free port).\n`,
    })
  } finally {
    await other.drop()
  }
})

test('a server that is told to stop ends what runs in good order and loses nothing', async () => {
  const slow = [
    'import time',
    'def handler(request, context):',
    '    print("begun", flush=True)',
    '    time.sleep(2)',
    '    return {"content": "finished"}',
    '',
  ].join('\n')
  const { admin } = server
  const [answering, talking] = await Promise.all([
    runningService(admin, { 'main.py': slow }),
    runningService(admin, command.files, { command: command.command }),
  ])
  const children = (await processesWith(database.dataDir)).filter((pid) => pid !== server.pid)
  expect(children.length).toBeGreaterThanOrEqual(4)

  const answer = fetch(answering.invokeUrl, { headers: admin.headers })
  await until(async () => (await linesOf(admin, answering.id)).some(({ text }) => text === 'begun'))
  const socket = new WebSocket(
    `${server.url.replace('http', 'ws')}/graphql`,
    'graphql-transport-ws',
  )
  const closed = new Promise<number>((resolve) => void socket.once('close', resolve))
  await new Promise((resolve) => socket.once('open', resolve))
  socket.send(JSON.stringify({ type: 'connection_init', payload: admin.headers }))
  const events = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { ...admin.headers, accept: 'text/event-stream', 'content-type': 'application/json' },
    body: JSON.stringify({ query: ServiceLogs.toString(), variables: { serviceId: talking.id } }),
  })
  const told = events.text().then(
    (text) => text,
    () => 'cut',
  )

  const { code } = await server.end('SIGTERM')
  expect(code).toBe(0)
  expect(await (await answer).text()).toBe('finished')
  expect(await closed).toBe(1001)
  expect(await told).toBe('cut')
  expect(children.filter(isAlive)).toEqual([])

  await server.start()
  await becomes(server.admin, talking.id, 'READY')
  const texts = (await linesOf(server.admin, talking.id)).map(({ text }) => text)
  expect(texts).toEqual(['command says goodbye'])
  const exits = (await look(server.admin, talking.id))?.events.nodes.filter(
    ({ kind }) => kind === 'INSTANCE_EXITED',
  )
  expect(exits).toHaveLength(1)
  for (const { id } of [answering, talking]) await remove(server.admin, id)
})

test('a start is over when its signal is, even while instances are still coming up', async () => {
  const sleepy = { 'main.py': `import time\ntime.sleep(3)\n${python.files['main.py']}` }
  const service = runningService(server.admin, sleepy).catch(() => undefined)
  await until(async () => (await processesWith(database.dataDir)).length > 1)
  const { code } = await server.end('SIGTERM')
  expect(code).toBe(0)
  await service
  await until(async () => (await processesWith(database.dataDir)).length === 0)
})
