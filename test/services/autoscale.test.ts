import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { InvokeService, StopService } from '../../testkit/operations/services.ts'
import { becomes, logOf } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'
import { held, Rescale, scaledService, scaling } from './scaling.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp({
    SCALE_DOWN_SECONDS: '0.2',
    STOP_GRACE_SECONDS: '0.1',
    INVOKE_TIMEOUT_SECONDS: '50',
  })
})
afterAll(() => app.close())

const look = (id: string) => scaling(app.admin, id)
const becomesSo = (id: string, fact: (now: Awaited<ReturnType<typeof look>>) => boolean) =>
  until(async () => fact(await look(id)))
const call = async (url: string) => {
  const response = await fetch(url, { headers: app.admin.headers })
  return { status: response.status, text: await response.text() }
}

test('requests in flight make instances up to the maximum, and calm ends them down to the minimum', async () => {
  const scale = { min: 1, max: 3, autoscale: true, targetInFlight: 2 }
  const { id, invokeUrl } = await scaledService(app.admin, scale)
  await becomes(app.admin, id, 'READY')
  expect((await look(id)).scale).toEqual({ ...scale, desired: 1 })

  const requests = Array.from({ length: 12 }, () => held(app.admin, invokeUrl))
  await becomesSo(id, ({ ready }) => ready === 3)
  const busy = await look(id)
  // more are wanted than it may have, and it was ready all the time: its minimum was there
  expect(busy).toMatchObject({ status: 'READY', scale: { desired: 3 } })
  expect(busy.decisions.at(-1)?.message).toMatch(
    /^\d+ requests in flight, 2 per instance are aimed at\.$/,
  )
  const more = Array.from({ length: 9 }, () => held(app.admin, invokeUrl))
  const answers = await Promise.all([...requests, ...more].map((one) => one.end()))
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  expect(new Set(answers.map(({ text }) => text)).size).toBe(3)

  await becomesSo(
    id,
    ({ scale: { desired }, instances }) => desired === 1 && instances.length === 1,
  )
  const calm = await look(id)
  expect(calm.decisions.at(-1)).toMatchObject({
    to: 1,
    message: expect.stringMatching(
      /^(No request|At most \d+ requests?.*) for 0\.2 s, 2 per instance/,
    ),
  })
  // each decision goes on from the one before, and none leaves the bounds
  expect(calm.decisions.map(({ from }) => from)).toEqual([
    1,
    ...calm.decisions.slice(0, -1).map(({ to }) => to),
  ])
  for (const { to } of calm.decisions) expect([1, 2, 3]).toContain(to)
  const moves = calm.events.filter(({ kind }) => kind === 'STATUS_CHANGED')
  expect(moves).toHaveLength(1)
})

test('a request that is longer than the calm is answered by the instance that is to end', async () => {
  const scale = { min: 1, max: 2, autoscale: true, targetInFlight: 2 }
  const { id, invokeUrl } = await scaledService(app.admin, scale)
  await becomes(app.admin, id, 'READY')
  const short = Array.from({ length: 3 }, () => held(app.admin, invokeUrl))
  await becomesSo(id, ({ ready }) => ready === 2)
  const long = held(app.admin, invokeUrl) // the second instance has nothing else
  await becomesSo(id, ({ instances }) => instances[1]?.inFlight === 1)
  const others = await Promise.all(short.map((one) => one.end()))
  const [stays] = others.map(({ text }) => text)
  await becomesSo(id, ({ decisions }) => decisions.at(-1)?.to === 1)
  for (let n = 0; n < 20; n += 1) expect((await call(invokeUrl)).text).toBe(stays)
  const last = await long.end()
  expect(last.status).toBe(200)
  expect(last.text).not.toBe(stays)
  await becomesSo(id, ({ instances }) => instances.length === 1)
})

test('under waves of requests no answer is lost, however often it scales', async () => {
  const scale = { min: 0, max: 3, autoscale: true, targetInFlight: 1 }
  const { id, invokeUrl } = await scaledService(app.admin, scale)
  const statuses: number[] = []
  for (let wave = 0; wave < 3; wave += 1) {
    const answers = await Promise.all(Array.from({ length: 8 }, () => call(invokeUrl)))
    statuses.push(...answers.map(({ status }) => status))
    // calls go on while it ends instances, and when it sleeps
    await until(async () => {
      statuses.push((await call(invokeUrl)).status)
      return (await look(id)).scale.desired <= 1
    })
  }
  expect(statuses.filter((status) => status !== 200)).toEqual([])
  await becomesSo(
    id,
    ({ scale: { desired }, instances }) => desired === 0 && instances.length === 0,
  )
  const { decisions, status } = await look(id)
  expect(status).toBe('READY')
  expect(decisions.every(({ to }) => to >= 0 && to <= 3)).toBe(true)
})

test('a service that sleeps is woken by its first request, and by twenty at once only once', async () => {
  const scale = { desired: 0, min: 0, max: 2, autoscale: true }
  const { id, invokeUrl } = await scaledService(app.admin, scale)
  await becomes(app.admin, id, 'READY')
  expect((await look(id)).instances).toEqual([])

  expect((await call(invokeUrl)).status).toBe(200)
  const isAsleep = () =>
    becomesSo(id, ({ instances, scale: { desired } }) => desired + instances.length === 0)
  await isAsleep()
  const requests = Array.from({ length: 20 }, () => held(app.admin, invokeUrl))
  const answers = await Promise.all(requests.map((one) => one.end()))
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  const { events, decisions } = await look(id)
  expect(decisions[0]).toEqual({
    from: 0,
    to: 1,
    message: '1 request in flight, 4 per instance are aimed at.',
  })
  // one for the first, and as many as it may have for all the others
  const started = events.filter(({ kind }) => kind === 'INSTANCE_STARTED')
  expect(started.length).toBeLessThanOrEqual(3)

  await isAsleep()
  const { invokeService } = await app.admin.request(InvokeService, { input: { id, json: {} } })
  expect(invokeService).toMatchObject({ statusCode: 200 })
  await app.admin.request(StopService, { input: { id } })
  expect((await call(invokeUrl)).status).toBe(409)
  expect((await look(id)).scale).toMatchObject({ min: 0, max: 2, autoscale: true })
})

test('who waits for a service that cannot be run is told so at once', async () => {
  const scale = { desired: 0, min: 0, max: 1, autoscale: true }
  const { id, invokeUrl } = await scaledService(app.admin, scale, {
    files: { 'main.txt': '' },
    command: 'echo cannot >&2; exit 3',
  })
  await becomes(app.admin, id, 'READY')
  const answers = await Promise.all([call(invokeUrl), call(invokeUrl)])
  expect(answers.map(({ status }) => status)).toEqual([503, 503])
  expect(answers[0]?.text).toContain('exited with code 3')
  await becomes(app.admin, id, 'FAILED')
})

test('an instance that cannot be added is done without, and what serves goes on', async () => {
  const script = `import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
if (existsSync('first')) { console.error('no room'); process.exit(7) }
writeFileSync('first', '')
createServer((request, response) => request.resume().on('end', () => response.end('first'))).listen(process.env.PORT, '127.0.0.1')
`
  const first = join(tmpdir(), `millrace-only-one-${randomUUID()}`)
  onTestFinished(() => rm(first, { force: true }))
  const scale = { min: 1, max: 2, autoscale: true, targetInFlight: 1 }
  const { id, invokeUrl } = await scaledService(app.admin, scale, {
    files: { 'main.mjs': script.replaceAll("'first'", JSON.stringify(first)) },
    command: 'node main.mjs',
  })
  await becomes(app.admin, id, 'READY')
  const requests = [held(app.admin, invokeUrl), held(app.admin, invokeUrl)]
  // after a calm it is tried again
  await becomesSo(
    id,
    ({ decisions, status }) => status === 'READY' && decisions.some(({ to }) => to === 1),
  )
  const { decisions } = await look(id)
  expect(decisions.slice(0, 2)).toEqual([
    { from: 1, to: 2, message: '2 requests in flight, 1 per instance are aimed at.' },
    { from: 2, to: 1, message: expect.stringMatching(/^Instance 1 exited with code 7/) },
  ])
  expect(await logOf(app.admin, id)).toContain('goes on without it')
  for (const { status: code } of await Promise.all(requests.map((one) => one.end())))
    expect(code).toBe(200)
})

test('by hand it has as many as were asked for, whatever is in flight', async () => {
  const { id, invokeUrl } = await scaledService(app.admin, { desired: 2, targetInFlight: 1 })
  await becomes(app.admin, id, 'READY')
  const requests = Array.from({ length: 6 }, () => held(app.admin, invokeUrl))
  await app.admin.request(Rescale, { id, scale: { desired: 1 } })
  await becomesSo(id, ({ status, scale }) => status === 'READY' && scale.desired === 1)
  // those that are in flight are answered, by the one that leaves too
  const answers = await Promise.all(requests.map((one) => one.end()))
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  await becomesSo(id, ({ instances }) => instances.length === 1)
  expect((await look(id)).decisions).toEqual([])
  const { scaleService } = await app.admin.request(Rescale, { id, scale: { desired: 3 } })
  expect(scaleService).toMatchObject({ service: { status: 'SCALING', scale: { max: 3 } } })
  await becomesSo(id, ({ status, ready }) => status === 'READY' && ready === 3)
})
