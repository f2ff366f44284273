import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { CreateDeployment, CreateUpload } from '../../testkit/operations/deployments.ts'
import { Viewer } from '../../testkit/operations/organizations.ts'
import { succeeded } from '../../testkit/outcome.ts'
import {
  member,
  seedOrganization,
  seedPerson,
  seedToken,
  signedIn,
} from '../../testkit/seed/organizations.ts'
import { graphql } from '../../testkit/generated/index.ts'

const Count = graphql(`
  query OriginsCount {
    deployments {
      totalCount
    }
    activity {
      totalCount
    }
  }
`)

interface Door {
  readonly method: string
  readonly path: string
}

/** Every route that the server registers, as Fastify tells it; whoever adds one adds it to this test. */
const doors: Door[] = []
const heard = (message: unknown): void => {
  const { fastify } = message as { fastify: FastifyInstance } // what the channel carries
  fastify.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) doors.push({ method: one, path: url })
  })
}

let app: TestApp
let signed: string
beforeAll(async () => {
  subscribe('fastify.initialization', heard)
  app = await testApp({ AUTH: 'open' })
  unsubscribe('fastify.initialization', heard)
  const { createUpload } = await app.admin.request(CreateUpload, { input: { name: 'x' } })
  const url = new URL(succeeded(createUpload, 'CreateUploadSuccess').upload.url ?? '')
  signed = url.pathname + url.search
})
afterAll(() => app.close())

const isTold = ({ path }: Door): boolean => path === '/healthz' || path === '/readyz'

/** With parts of the form that a route wants, where it wants one. */
const pathOf = ({ path }: Door): string =>
  path
    .replace(/:deployment\([^)]*\)/, '1000000000001')
    .replace(/:service\([^)]*\)/, 'ser-0000000000000000')
    .replace(/:\w+/g, 'x')
    .replace('*', 'deeper')

/** With a signature, which lets a program in from everywhere, and no page that brings nothing else. */
const signedPathOf = (door: Door): string =>
  door.path.startsWith('/uploads/') ? signed : pathOf(door)

/** By node:http, because fetch lets nobody choose Host and Origin. */
async function ask(url: string, method: string, path: string, headers: Record<string, string>) {
  const hasBody = !['GET', 'HEAD', 'OPTIONS'].includes(method)
  const query = CreateDeployment.toString()
  const body = JSON.stringify({ query, variables: { input: { name: 'by a page' } } })
  // of a DELETE node:http would not say how long it is
  const type = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  const asking = request(url + path, { method, headers: { ...(hasBody ? type : {}), ...headers } })
  asking.end(hasBody ? body : undefined)
  const [answer] = (await once(asking, 'response')) as [IncomingMessage] // what the event carries
  return { status: answer.statusCode, body: await text(answer) }
}

const pages: Record<string, Record<string, string>> = {
  'of another site': { origin: 'https://evil.example' },
  'of another port': { origin: 'http://127.0.0.1:1' },
  'without an origin': { origin: 'null' },
  'that says cross-site': { 'sec-fetch-site': 'cross-site' },
  'that says same-site': { 'sec-fetch-site': 'same-site' },
  'under a name that was bent to here': { host: 'evil.example', origin: 'http://evil.example' },
}

/** What a page can bring without knowing a credential. */
const made: Record<string, Record<string, string>> = {
  nothing: {},
  'a made-up token': { authorization: 'Bearer made-up' },
  'a made-up cookie': { cookie: 'millrace=made-up' },
  'a made-up host': { 'x-forwarded-host': 'localhost' },
}

const cases = Object.keys(pages).flatMap((page) =>
  Object.keys(made).map((what) => [page, what] as const),
)

test('the routes of the server are known', () => {
  expect(doors.length).toBeGreaterThan(15)
  expect(doors).toContainEqual({ method: 'POST', path: '/graphql' })
})

test.each(cases)('a page %s that brings %s does nothing through any route', async (page, what) => {
  const headers = { ...pages[page], ...made[what] }
  const before = await app.admin.request(Count)
  for (const door of doors.filter((one) => !isTold(one))) {
    const isHeader = what === 'a made-up token'
    const path = isHeader ? pathOf(door) : signedPathOf(door)
    const { status } = await ask(app.url, door.method, path, headers)
    // what needs no credential, such as the way to the console, changes nothing
    const asksNobody =
      isHeader &&
      !/^\/(graphql|deployments|uploads|archives|internal|abeja\/(organizations|deployments))/.test(
        path,
      )
    if (!asksNobody) expect({ ...door, status }).toMatchObject({ status: 403 })
  }
  expect(await app.admin.request(Count)).toEqual(before)
})

test.each(cases)('a page %s that brings %s opens no WebSocket', async (page, what) => {
  const headers = { ...pages[page], ...made[what] }
  const address = `${app.url.replace('http', 'ws')}/graphql`
  const socket = new WebSocket(address, 'graphql-transport-ws', { headers })
  socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init' })))
  const outcome = await new Promise<string>((resolve) => {
    socket.once('error', ({ message }) => resolve(message))
    socket.once('close', (code: number) => resolve(String(code)))
    socket.once('message', (data: Buffer) => resolve(data.toString()))
  })
  expect(outcome).toMatch(/403/) // of the upgrade, or 4403
  socket.terminate()
})

test('in every mode a cookie is good for pages of the server only, on every route and the upgrade', async () => {
  const closed = await testApp({ AUTH: 'token' })
  try {
    const { id, admin } = await seedOrganization(closed)
    const person = await seedPerson(admin, 'ADMIN', id)
    const cookie = `millrace=${(await signedIn(closed.stranger, person)).secret}`
    const before = await admin.request(Count)
    for (const page of Object.values(pages).filter((one) => one['host'] === undefined))
      for (const door of doors.filter((one) => !isTold(one))) {
        const { status } = await ask(closed.url, door.method, pathOf(door), { ...page, cookie })
        expect({ ...door, ...page, status }).toMatchObject({ status: 403 })
      }
    // neither header says whose page it is: only what changes nothing
    const who = '/graphql?query=%7Bviewer%7Brole%7D%7D'
    expect(await ask(closed.url, 'POST', '/graphql', { cookie })).toMatchObject({ status: 403 })
    expect(await ask(closed.url, 'GET', '/deployments/x/services/x', { cookie })).toMatchObject({
      status: 403,
    })
    expect((await ask(closed.url, 'GET', who, { cookie })).body).toContain('ADMIN')
    expect(await admin.request(Count)).toEqual(before)
    const own = { cookie, origin: closed.url }
    expect((await ask(closed.url, 'POST', '/graphql', own)).body).toContain(
      'CreateDeploymentSuccess',
    )
    const address = `${closed.url.replace('http', 'ws')}/graphql`
    const foreign = new WebSocket(address, 'graphql-transport-ws', { headers: { cookie } })
    const [cause] = (await once(foreign, 'error')) as [Error] // what the event carries
    expect(cause.message).toContain('403')
    // a header is written by whoever knows it, whatever the page
    const { secret } = await seedToken(closed.admin, id, 'VIEWER')
    const bearer = { authorization: `Bearer ${secret}`, cookie, origin: 'https://evil.example' }
    expect((await ask(closed.url, 'GET', who, bearer)).body).toContain('VIEWER')
  } finally {
    await closed.close()
  }
})

test('in open mode whoever brings nothing, or a stale token, acts as admin', async () => {
  for (const client of [app.stranger, app.client('mrt_stale')])
    expect((await client.request(Viewer)).viewer).toMatchObject({ role: 'ADMIN', token: null })
  const { viewer } = await app.stranger.request(Viewer)
  const worker = await member(app, viewer.organization.id, 'WORKER')
  expect((await worker.request(Viewer)).viewer).toMatchObject({ role: 'WORKER', user: null })
})
