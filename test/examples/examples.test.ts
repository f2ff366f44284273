import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { testEmbedded, type TestDatabase } from '../../testkit/database/database.ts'
import { openChromium, type Browser } from '../../testkit/machine/chromium.ts'
import { OpenService } from '../../testkit/operations/services.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { TestServer } from '../../testkit/server.ts'
import { canTry, deployExample, trying } from './example.ts'

/* Each example by its own command, called by a program below the path it does not see, and used by a person in a browser. */
let database: TestDatabase
let server: TestServer
let browser: Browser

beforeAll(async () => {
  database = await testEmbedded()
  server = new TestServer(database)
  await server.start()
})
afterAll(async () => {
  await browser?.close()
  await server.end('SIGTERM')
  await database.drop()
})

/** What browsers ask for by themselves: there may be none, and a manifest is asked for without the cookie of the pass. */
const OF_BROWSERS = /\/(?:favicon\.ico|manifest\.json)$/

/** What a page has asked for in vain, and what it has complained of. */
const troubles: string[] = []

async function opened(id: string): Promise<Page> {
  browser ??= await openChromium()
  const { openService } = await server.admin.request(OpenService, { input: { id } })
  const page = await browser.context.newPage()
  page.on('pageerror', (error) => troubles.push(error.message))
  page.on('response', (answer) => {
    if (answer.status() >= 400 && !OF_BROWSERS.test(answer.url()))
      troubles.push(`${answer.status()} ${answer.url()}`)
  })
  await page.goto(succeeded(openService, 'OpenServiceSuccess').url)
  return page
}

const deployed = (name: string) =>
  deployExample(name, { url: server.url, token: server.admin.token })

/** A call as a program makes one, whose redirects it follows by itself. */
function call(url: string, method = 'GET', body?: unknown): Promise<Response> {
  const headers = { ...server.admin.headers, 'content-type': 'application/json' }
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  return fetch(url, { method, headers, redirect: 'manual', ...sent })
}

/** What a WebSocket of a service says first, once it has been told something. */
async function heard(url: string, said: string): Promise<unknown> {
  const socket = new WebSocket(url.replace('http', 'ws'), { headers: server.admin.headers })
  try {
    return await new Promise((resolve, reject) => {
      socket.on('error', reject)
      socket.on('open', () => socket.send(said))
      socket.on('message', (data: Buffer) => resolve(JSON.parse(data.toString())))
    })
  } finally {
    socket.terminate()
  }
}

const fastapi = 'fastapi/lib/requirements.txt'
describe.skipIf(!canTry(fastapi))(trying('fastapi', fastapi), () => {
  let service: { id: string; invokeUrl: string }
  beforeAll(async () => {
    service = await deployed('fastapi')
  })

  test.each(['id', 'name'])(
    'tells addresses that lead back to it, below a path of its %s',
    async (by) => {
      const at =
        by === 'id' ? service.invokeUrl : `${server.url}/deployments/fastapi/services/fastapi`
      const moved = await call(`${at}/samples`)
      expect([moved.status, moved.headers.get('location')]).toEqual([307, `${at}/samples/`])
      expect(await (await call(`${at}/samples/`)).json()).toMatchObject({
        haiku: `${at}/samples/haiku`,
      })
      const path = new URL(at).pathname
      expect(await (await call(`${at}/openapi.json`)).json()).toMatchObject({
        servers: [{ url: path }],
      })
      expect(await (await call(`${at}/docs`)).text()).toContain(`url: '${path}/openapi.json'`)
      expect((await call(`${at}/static-offline-docs/swagger-ui.css`)).status).toBe(200)
      expect(await heard(`${at}/live`, 'one two')).toEqual({ characters: 7, words: 2, lines: 1 })
    },
  )

  test('is a page that measures what is typed, and what comes word by word', async () => {
    const page = await opened(service.id)
    await page.fill('textarea', 'one two\nthree')
    await page.waitForSelector('output:text("Characters: 13, words: 3, lines: 2")')
    await page.click('button')
    await page.waitForSelector('output:text("Characters: 43, words: 9, lines: 1")')
    expect(await page.inputValue('textarea')).toMatch(/^The quick .* lazy dog$/)
    await page.close()
  })

  test('has its documentation, from which it can be called', async () => {
    const page = await opened(service.id)
    await page.click('a')
    await page.click('#operations-default-statistics_statistics_post .opblock-summary')
    await page.click('.try-out__btn')
    await page.fill('.body-param__text', '{"text": "of four words: these"}')
    await page.click('.execute')
    const answer = await page.textContent('.live-responses-table .response .microlight')
    expect(JSON.parse(answer ?? '')).toEqual({ characters: 20, words: 4, lines: 1 })
    await page.goto(new URL('/samples?from=here', page.url()).href)
    expect(page.url()).toMatch(/localhost:\d+\/samples\/\?from=here$/)
    expect(await page.textContent('body')).toContain(`${new URL(page.url()).origin}/samples/haiku`)
    expect(troubles.splice(0)).toEqual([])
    await page.close()
  })
})

const express = 'express/node_modules/package-lock.json'
describe.skipIf(!canTry(express))(trying('express', express), () => {
  let service: { id: string; invokeUrl: string }
  beforeAll(async () => {
    service = await deployed('express')
  })

  test('answers every method, below a path', async () => {
    const at = service.invokeUrl
    const made = await call(`${at}/notes`, 'POST', { text: 'first' })
    const note = made.headers.get('location') ?? ''
    expect([made.status, note]).toEqual([201, `${at}/notes/1`])
    const last = await call(`${at}/last`)
    expect([last.status, last.headers.get('location')]).toEqual([302, new URL(note).pathname])
    expect(await (await call(note, 'PUT', { text: 'second' })).json()).toMatchObject({
      text: 'second',
      isDone: false,
    })
    expect(await (await call(note, 'PATCH', { isDone: true })).json()).toEqual({
      id: '1',
      text: 'second',
      isDone: true,
    })
    expect((await call(note, 'HEAD')).status).toBe(200)
    expect((await call(note, 'OPTIONS')).headers.get('allow')).toBe('DELETE, GET, HEAD, PATCH, PUT')
    expect((await call(note, 'DELETE')).status).toBe(204)
    expect((await call(note)).status).toBe(404)
    const visit = await call(`${at}/visit`)
    expect(await visit.json()).toMatchObject({ isFirst: true, at, ip: '127.0.0.1' })
    expect(visit.headers.get('set-cookie')).toContain(`Path=${new URL(at).pathname};`)
  })

  test('is a page whose notes are made, checked and deleted, in every window at once', async () => {
    const page = await opened(service.id)
    const { origin } = new URL(page.url())
    await page.waitForSelector(`#greeting:text-is("Welcome to ${origin}")`)
    const other = await browser.context.newPage()
    await other.goto(origin)
    await other.waitForSelector(`#greeting:text-is("Welcome back to ${origin}")`)
    await page.fill('input[name=text]', 'buy milk')
    await page.click('form button')
    await page.check('li:has-text("buy milk") input')
    await other.waitForSelector('li:has-text("buy milk") .done')
    await page.click('a')
    expect(page.url()).toBe(`${origin}/notes/2`)
    await other.click('li button')
    await other.waitForSelector('li', { state: 'detached' })
    expect(troubles.splice(0)).toEqual([])
    await Promise.all([page.close(), other.close()])
  })
})

const gradio = 'gradio/lib/requirements.txt'
describe.skipIf(!canTry(gradio))(trying('gradio', gradio), () => {
  test('is a page that answers what is typed', async () => {
    const { id } = await deployed('gradio')
    const page = await opened(id)
    await page.fill('textarea', 'one two\nthree')
    await page.click('button:text("Submit")')
    await page.waitForFunction('/"words"\\s*:\\s*3/.test(document.body.innerText)')
    expect(troubles.splice(0)).toEqual([])
    await page.close()
  })
})
