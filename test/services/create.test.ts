import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../support/app.ts'
import { runningService } from '../support/seed.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp()
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
