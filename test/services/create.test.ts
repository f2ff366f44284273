import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { isRoot, squat, SQUATTER } from '../../testkit/machine/squatter.ts'
import { DeleteService, details } from '../../testkit/operations/services.ts'
import {
  becomes,
  logOf,
  runningService,
  seedDeployment,
  seedService,
  seedVersion,
} from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

test('a service made from an archive answers calls', async () => {
  const service = await runningService(app.admin, {
    'main.py': 'def handler(request, context):\n    return {"content": request.read()}\n',
  })
  const response = await fetch(service.invokeUrl, {
    method: 'POST',
    headers: { ...app.admin.headers, 'content-type': 'image/png' },
    body: new Uint8Array([0, 1, 254, 255]),
  })
  expect(response.status).toBe(200)
  expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([0, 1, 254, 255])
})

const portsIn = (log: string): string[] =>
  [...log.matchAll(/^on (\d+)$/gm)].map(([, port = '']) => port)

test('a service whose port another user takes is not READY, and starts again with another', async () => {
  const { id: deploymentId } = await seedDeployment(app.admin)
  const command = 'echo "on $PORT"; exec sleep 600'
  const versionId = await seedVersion(app.admin, deploymentId, { 'main.txt': '' }, { command })
  const { id } = await seedService(app.admin, versionId)
  const ports = async () => portsIn(await logOf(app.admin, id))
  await until(async () => (await ports()).length === 1)
  const [port = ''] = await ports()
  const leave = await squat(Number(port))
  if (isRoot && process.platform === 'linux') {
    await until(async () => (await ports()).length === 2)
    expect(new Set(await ports()).size).toBe(2)
    expect(await logOf(app.admin, id)).toContain(
      `instance 0 was ended: another user of the machine (number ${SQUATTER}) listens on its port ${port}; starting it again in 0.5 s`,
    )
    const { events } = await details(app.admin, id)
    expect(JSON.stringify(events)).not.toContain('"to":"READY"')
  } else await becomes(app.admin, id, 'READY') // it is no other user
  await leave()
  await app.admin.request(DeleteService, { input: { id } })
})
