import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { CreateUpload } from '../../testkit/operations/deployments.ts'
import { succeeded } from '../../testkit/outcome.ts'

let app: TestApp
let paths: { method: string; path: string }[]
beforeAll(async () => {
  app = await testApp({ AUTH: 'open' })
  const { createUpload } = await app.stranger.request(CreateUpload, { input: { name: 'x' } })
  const { url } = succeeded(createUpload, 'CreateUploadSuccess').upload
  const { pathname, search } = new URL(url ?? '')
  paths = [
    { method: 'POST', path: '/graphql' },
    { method: 'GET', path: '/graphql?query=%7B__typename%7D' },
    { method: 'OPTIONS', path: '/graphql' },
    { method: 'POST', path: '/deployments/dep_x/services/svc_x' },
    { method: 'GET', path: '/deployments/dep_x/services/svc_x/deeper' },
    { method: 'PUT', path: pathname + search },
    { method: 'GET', path: '/archives/ver_x/source.tgz' },
    { method: 'POST', path: '/internal/services/svc_x/' },
  ]
})
afterAll(() => app.close())

/** By node:http, because fetch lets nobody choose Host and Origin. */
async function ask(method: string, path: string, headers: Record<string, string>) {
  const asking = request(app.url + path, { method, headers }).end()
  const [answer] = (await once(asking, 'response')) as [IncomingMessage] // what the event carries
  return { status: answer.statusCode, body: await text(answer) }
}

const foreign: Record<string, Record<string, string>> = {
  'a page of another site': { origin: 'https://evil.example' },
  'a page without an origin': { origin: 'null' },
  'a cross-site request': { 'sec-fetch-site': 'cross-site' },
  'another name for this machine': { host: 'evil.example' },
}

test.each(Object.keys(foreign))('%s is refused on every door', async (what) => {
  for (const { method, path } of paths) {
    const { status, body } = await ask(method, path, foreign[what] ?? {})
    expect({ path, status }).toEqual({ path, status: 403 })
    expect(body).toMatch(/without a credential/i)
  }
})

test.each(Object.keys(foreign))('%s is refused a WebSocket', async (what) => {
  const socket = new WebSocket(`${app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    headers: foreign[what] ?? {},
  })
  const [cause] = (await once(socket, 'error').catch((error: unknown) => [error])) as [Error] // what the event carries
  expect(cause.message).toContain('403')
})

test('pages of this server, and programs that bring a credential, are welcome', async () => {
  const query = '/graphql?query=%7Bviewer%7Brole%7D%7D'
  const welcome: Record<string, string>[] = [
    {},
    { origin: app.url },
    { 'sec-fetch-site': 'same-origin' },
    { host: `localhost:${new URL(app.url).port}` },
    { ...app.admin.headers, origin: 'https://evil.example', host: 'evil.example' },
  ]
  for (const headers of welcome)
    expect(await ask('GET', query, headers)).toMatchObject({ status: 200 })
})

test('health is told to whoever asks', async () => {
  for (const path of ['/healthz', '/readyz'])
    expect(await ask('GET', path, { host: 'balancer.example' })).toMatchObject({ status: 200 })
})
