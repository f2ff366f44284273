import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { details } from '../../testkit/operations/services.ts'
import { seed } from '../../testkit/seed/chain.ts'
import { becomes, logOf, runningService } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'

let app: TestApp
let deaf: string
beforeAll(async () => {
  app = await testApp({ START_TIMEOUT_SECONDS: '5', MAX_RESTARTS: '1' })
  // its limit passes while others are looked at
  deaf = (await startOf({ 'run.sh': 'sleep 600\n' }, { command: 'sh run.sh' })).id
})
afterAll(() => app.close())

async function startOf(files: Readonly<Record<string, string>>, how: { command?: string } = {}) {
  return seed(app.admin).deployment().version(files, how).service().made()
}

test('a service whose import fails is FAILED, and its log has the traceback', async () => {
  const { id } = await startOf({ 'main.py': 'import no_such_module_anywhere\n' })
  await becomes(app.admin, id, 'FAILED')
  const { statusReason } = await details(app.admin, id)
  expect(statusReason).toMatch(/exited with code 1/)
  const log = await logOf(app.admin, id)
  expect(log).toContain('Traceback (most recent call last)')
  expect(log).toContain("No module named 'no_such_module_anywhere'")
  expect(log).toContain('failed: ')
})

test('an instance that crashes on a request answers 502, is told of in the log and is replaced', async () => {
  const service = await runningService(app.admin, {
    'main.py': `import os
def handler(request, context):
    if request.read() == b"die":
        print("about to end", flush=True)
        os._exit(7)
    return {"content": str(os.getpid())}
`,
  })
  const call = (body: string) =>
    fetch(service.invokeUrl, { method: 'POST', headers: app.admin.headers, body })
  const before = await (await call('who')).text()

  const died = await call('die')
  expect(died.status).toBe(502)
  expect(await died.json()).toMatchObject({ code: 'UNAVAILABLE', status: 502 })

  await until(async () => (await logOf(app.admin, service.id)).includes('exited with code 7'))
  const log = await logOf(app.admin, service.id)
  expect(log).toContain('about to end')
  expect(log).toMatch(/POST \/ failed: the instance broke off/)
  expect(log).toMatch(/instance 0 exited with code 7; starting it again/)

  await until(async () => (await call('who')).status === 200)
  expect(await (await call('who')).text()).not.toBe(before)
  // it serves a moment before that is told
  await becomes(app.admin, service.id, 'READY')
  const { instances } = await details(app.admin, service.id)
  expect(instances).toMatchObject([{ ordinal: 0, restarts: 1, status: 'READY' }])
})

test('a version that cannot be run says why in the service', async () => {
  const { id } = await startOf({ 'other.py': 'def handler(request, context):\n    return {}\n' })
  await becomes(app.admin, id, 'FAILED')
  expect(await logOf(app.admin, id)).toContain('main')
})

test('a service that never accepts connections is FAILED once its limit is over', async () => {
  await becomes(app.admin, deaf, 'FAILED')
  const { statusReason, instances } = await details(app.admin, deaf)
  expect(statusReason).toMatch(/did not accept connections on \$PORT within 5 s/)
  await until(async () => (await details(app.admin, deaf)).instances?.length === 0)
  expect(instances?.length ?? 0).toBeLessThan(2)
})
