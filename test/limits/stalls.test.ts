import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { CreateUpload } from '../../testkit/operations/deployments.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seedQueue, submit } from '../../testkit/seed/jobs.ts'

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

test('an answer that nobody reads ends with its connection, one that is read slowly does not', async () => {
  const id = await seedQueue(app.admin)
  await submit(app.admin, id, { parameters: 'x'.repeat(900_000) })
  const times = Array.from({ length: 30 }, (_, n) => `a${n}: parameters`).join(' ')
  const body = JSON.stringify({
    query: `{ service(id: "${id}") { ... on QueueService { jobs { nodes { ${times} } } } } }`,
  })
  const ask = () => {
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
    socket.on('error', () => {}) // it is cut
    socket.write(
      `POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\nauthorization: Bearer ${app.admin.token}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    return socket
  }
  const unread = ask()
  const slow = ask()
  const closed = once(slow, 'close')
  let read = 0
  slow.on('data', (data) => {
    read += data.length
    slow.pause()
    setTimeout(() => slow.resume(), 3)
  })
  await once(unread, 'readable') // takes what the kernel has, and no more
  await closed
  expect(read).toBeGreaterThan(27_000_000)
  let rest = 0
  unread.on('data', (data) => (rest += data.length))
  await once(unread, 'close')
  expect(rest).toBeLessThan(27_000_000)
})
