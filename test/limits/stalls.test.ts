import { once } from 'node:events'
import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CreateUpload } from '../deployments/operations.ts'
import { testApp, type TestApp } from '../support/app.ts'
import { succeeded } from '../support/seed.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp({ UPLOAD_STALL_SECONDS: '1' })
})
afterAll(() => app.close())

test('an upload that stalls is cut off, and can be sent again', async () => {
  const { createUpload } = await app.admin.request(CreateUpload, { input: { name: 'x' } })
  const url = succeeded(createUpload, 'CreateUploadSuccess').upload.url ?? ''
  const stalled = request(url, { method: 'PUT', headers: { 'content-length': '1000' } })
  stalled.write('some')
  const [cause] = (await once(stalled, 'error').catch((error: unknown) => [error])) as [Error] // what the event carries
  expect(cause).toMatchObject({ code: 'ECONNRESET' })
  const whole = await fetch(url, { method: 'PUT', body: 'all of it' })
  expect(whole.status).toBe(200)
})
