import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import type { Client } from '../../testkit/client.ts'
import {
  type Browser,
  chromiumPath,
  openChromium,
  withChromium,
} from '../../testkit/machine/chromium.ts'
import { RevokeToken, Viewer } from '../../testkit/operations/organizations.ts'
import { SignIn } from '../../testkit/operations/people.ts'
import { OpenService, ServiceStatus } from '../../testkit/operations/services.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seedOrganization, seedPerson } from '../../testkit/seed/organizations.ts'
import { runningService } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'
import { graphql } from '../../testkit/generated/index.ts'
import { expressPage } from './express.ts'

const Count = graphql(`
  query PagesCount {
    deployments {
      totalCount
    }
    activity {
      totalCount
    }
  }
`)

/* An Express page in a real browser: what works at its own origin, and what it cannot do to ours. */
describe.skipIf(chromiumPath === undefined).each(['open', 'token'])(
  withChromium('a page of a service in mode %s'),
  (auth) => {
    let app: TestApp
    let admin: Client
    let browser: Browser
    let service: { id: string; invokeUrl: string }
    /** This server as the browser knows it. */
    let ours: string
    let pageUrl: string
    beforeAll(async () => {
      app = await testApp({ AUTH: auth })
      ours = app.url.replace('127.0.0.1', 'localhost')
      const organization = await seedOrganization(app)
      admin = organization.admin
      service = await runningService(admin, expressPage(), { command: 'node main.mjs' })
      const found = (await admin.request(ServiceStatus, { id: service.id })).service
      pageUrl = (found as { pageUrl?: string | null } | null)?.pageUrl ?? '' // of a process service
      browser = await openChromium()
      if (auth === 'token') {
        const { email, password } = await seedPerson(admin, 'ADMIN', organization.id)
        const page = await visit(`${ours}/graphql`)
        const input = { email, password, cookie: true }
        const body = JSON.stringify({ query: SignIn.toString(), variables: { input } })
        const answer = await page.evaluate(async (text) => {
          const headers = { 'content-type': 'application/json' }
          return (await fetch('/graphql', { method: 'POST', headers, body: text })).text()
        }, body)
        expect(answer).toContain('SignInSuccess')
        await page.close()
      }
    })
    afterAll(async () => {
      await browser.close()
      await app.close()
    })

    async function visit(url: string): Promise<Page> {
      const page = await browser.context.newPage()
      await page.goto(url)
      return page
    }

    test('works at its own origin, with its cookies, storage, methods, redirects and streams', async () => {
      const page = await visit(pageUrl)
      expect(page.url()).toBe(pageUrl)
      await page.waitForFunction('document.title === "Express runs"')
      const done = await page.evaluate(async () => {
        document.cookie = 'own=1'
        localStorage.setItem('kept', 'yes')
        const methods: unknown[] = []
        for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
          const body = method === 'OPTIONS' ? null : '{"a":1}'
          const headers = { 'content-type': 'application/json' }
          methods.push(await (await fetch('/method', { method, body, headers })).json())
        }
        const events = new EventSource('/stream')
        const heard: string[] = []
        await new Promise<void>((resolve) => {
          events.addEventListener('message', ({ data }) => {
            if (heard.push(String(data)) === 3) resolve()
          })
        })
        events.close()
        return {
          asked: (await fetch('/asked//a/%2F?b')).status,
          told: await (await fetch('/asked?b')).json(),
          kept: localStorage.getItem('kept'),
          theirs: document.cookie,
          graphql: await (await fetch('/graphql')).text(),
          login: (await fetch('/login')).url,
          methods,
          heard,
        }
      })
      const [, name] = pageUrl.split('/').filter((part) => part !== '')
      expect(done).toMatchObject({
        told: { path: '/asked?b', at: `http://${name}`, authorization: null },
        kept: 'yes',
        graphql: 'of the service',
        login: pageUrl,
        heard: ['1', '2', '3'],
      })
      const told = (done.told as { cookie: string }).cookie
      for (const cookies of [told, done.theirs]) {
        expect(cookies.split('; ').toSorted()).toEqual(['own=1', 'theirs=of%20Express'])
      }
      expect(done.methods).toEqual(
        ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((method) =>
          expect.objectContaining({ method }),
        ),
      )
      await page.close()
    })

    /** All that a page can try to have this server act as whoever looks at it. */
    async function attack(page: Page): Promise<Record<string, string>> {
      const query = 'mutation { createDeployment(input: { name: "by a page" }) { __typename } }'
      return page.evaluate(
        async ([base, text, service]) => {
          const url = `${base}/graphql`
          const asked = `${url}?query=${encodeURIComponent('{ viewer { role } }')}`
          const json = JSON.stringify({ query: text })
          const outcomes: Record<string, string> = {}
          const tried = async (name: string, run: () => Promise<unknown>): Promise<void> => {
            outcomes[name] = await run().then(
              (value) => String(value),
              (cause: unknown) => `refused: ${String(cause)}`,
            )
          }
          const sent = (init: RequestInit) => async () => {
            const answer = await fetch(url, {
              method: 'POST',
              body: json,
              credentials: 'include',
              ...init,
            })
            return `${answer.type} ${answer.status} ${await answer.text()}`
          }
          // oxlint-disable-next-line unicorn/consistent-function-scoping -- a browser runs it, and sees nothing outside
          const type = (one: string) => ({ headers: { 'content-type': one } })
          await tried('fetch JSON', sent(type('application/json')))
          await tried('fetch text', sent(type('text/plain')))
          await tried('fetch a form', sent(type('application/x-www-form-urlencoded')))
          await tried('fetch without CORS', sent({ mode: 'no-cors' }))
          await tried('beacon', async () =>
            navigator.sendBeacon(url, new Blob([json], { type: 'text/plain' })),
          )
          await tried('read', async () => (await fetch(asked, { credentials: 'include' })).text())
          await tried('opening', async () =>
            (await fetch(`${base}/open/${service}`, { credentials: 'include' })).text(),
          )
          // oxlint-disable-next-line unicorn/consistent-function-scoping -- a browser runs it, and sees nothing outside
          const loaded = (make: (done: (how: string) => void) => void) => () =>
            new Promise((resolve) => {
              make(resolve)
              setTimeout(resolve, 3_000, 'nothing')
            })
          const element = (name: string, attribute: string, value: string) =>
            loaded((done) => {
              const one = document.createElement(name)
              one.addEventListener('load', () => done('loaded'))
              one.addEventListener('error', () => done('error'))
              one.setAttribute(attribute, value)
              document.body.append(one)
            })
          await tried('image', element('img', 'src', asked))
          await tried('script', element('script', 'src', asked))
          await tried(
            'socket',
            loaded((done) => {
              const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws')
              socket.addEventListener('open', () => socket.send('{"type":"connection_init"}'))
              const operation = { id: '1', type: 'subscribe', payload: { query: text } }
              socket.addEventListener('message', ({ data }) => {
                if (String(data).includes('connection_ack')) socket.send(JSON.stringify(operation))
                else done(`said ${data}`)
              })
              socket.addEventListener('close', () => done('closed'))
            }),
          )
          await tried(
            'events',
            loaded((done) => {
              const events = new EventSource(asked, { withCredentials: true })
              events.addEventListener('message', ({ data }) => done(`said ${data}`))
              events.addEventListener('error', () => done('closed'))
            }),
          )
          await tried(
            'form',
            loaded((done) => {
              const frame = document.createElement('iframe')
              frame.name = 'target'
              frame.srcdoc = ''
              const form = document.createElement('form')
              Object.assign(form, { method: 'POST', action: url, target: 'target' })
              const field = document.createElement('input')
              Object.assign(field, { name: 'query', value: text })
              form.append(field)
              document.body.append(frame, form)
              form.submit()
              frame.addEventListener('load', () => {
                try {
                  done(`read ${frame.contentDocument?.body.innerText ?? 'nothing'}`)
                } catch {
                  done('unreadable')
                }
              })
            }),
          )
          await tried('tossed cookies', async () => {
            for (const name of ['millrace', '', '__Host-millrace', 'millrace-page'])
              for (const domain of ['localhost', '.localhost'])
                document.cookie = `${name}=millrace=evil; Domain=${domain}; Path=/`
            return 'tried'
          })
          return outcomes
        },
        [ours, query, service.id] as const,
      )
    }

    // without a credential that it knows a page may open a socket, as anybody may, and is nobody there
    const harmless: Record<string, RegExp> = {
      'fetch JSON': /^refused/,
      'fetch text': /^refused/,
      'fetch a form': /^refused/,
      'fetch without CORS': /^opaque 0 $/,
      read: /^refused/,
      opening: /^refused/,
      image: /error/,
      script: /error/,
      socket: auth === 'open' ? /closed/ : /UNAUTHENTICATED/,
      events: /closed/,
      form: /unreadable|nothing/,
    }

    test.each(['its own', 'our'])('cannot use /graphql from %s origin', async (whose) => {
      const before = await admin.request(Count)
      const page = await visit(
        whose === 'our' ? service.invokeUrl.replace('127.0.0.1', 'localhost') : pageUrl,
      )
      expect(await page.textContent('h1')).toBe('A page of a service')
      const outcomes = await attack(page)
      for (const [name, pattern] of Object.entries(harmless))
        expect(`${name}: ${outcomes[name]}`).toMatch(
          new RegExp(`: .*${pattern.source.replace('^', '')}`),
        )
      // nor by going there, which shows what we answer and changes nothing
      const mutation = `${ours}/graphql?query=${encodeURIComponent('mutation { createDeployment(input: { name: "x" }) { __typename } }')}`
      await page.goto(mutation, { referer: pageUrl })
      const names = (await browser.context.cookies(ours)).map(({ name, value }) => [name, value])
      for (const [name, value] of names) expect(`${name}=${value}`).not.toContain('evil')
      expect(await admin.request(Count)).toEqual(before)
      await page.close()
    })

    test('at our origin is in a sandbox that has neither cookies nor storage', async () => {
      const page = await visit(service.invokeUrl.replace('127.0.0.1', 'localhost'))
      const seen = await page.evaluate(() => {
        // oxlint-disable-next-line unicorn/consistent-function-scoping -- a browser runs it, and sees nothing outside
        const attempt = (run: () => unknown): string => {
          try {
            return String(run())
          } catch (cause) {
            return (cause as Error).name
          }
        }
        return {
          origin: window.origin,
          cookie: attempt(() => document.cookie),
          storage: attempt(() => localStorage.length),
          worker: attempt(() => 'serviceWorker' in navigator && navigator.serviceWorker.controller),
        }
      })
      expect(seen).toMatchObject({
        origin: 'null',
        cookie: 'SecurityError',
        storage: 'SecurityError',
      })
      await page.close()
    })

    test('is asked about when another site leads to it, and opened by a person', async () => {
      await browser.context.clearCookies({ name: 'millrace-page' })
      const elsewhere = await browser.context.newPage()
      await elsewhere.setContent(`<a href="${pageUrl}asked">there</a>`)
      await elsewhere.click('a')
      await elsewhere.waitForURL(/\/open\//)
      expect(await elsewhere.textContent('h1')).toBe('Open a page of a service?')
      await elsewhere.click('a')
      await elsewhere.waitForURL(`${pageUrl}asked`)
      await elsewhere.close()
    })

    test('is opened by whoever has a credential, and closed with it, streams included', async () => {
      await browser.context.clearCookies({ name: 'millrace-page' })
      const { openService } = await admin.request(OpenService, {
        input: { id: service.id, path: '/asked?from=here' },
      })
      const page = await visit(succeeded(openService, 'OpenServiceSuccess').url)
      expect(page.url()).toBe(`${pageUrl}asked?from=here`)
      await page.goto(pageUrl)
      await page.evaluate(() => {
        const stream = fetch('/stream').then(async ({ body }) => {
          const reader = body?.getReader()
          for (;;) if ((await reader?.read())?.done) return 'ended'
        })
        void stream.catch(() => 'cut').then((how) => (document.title = how))
      })
      const { viewer } = await admin.request(Viewer)
      await app.admin.request(RevokeToken, { input: { id: viewer.token?.id ?? '' } })
      await until(
        async () => (await page.title()) !== 'Express runs' && (await page.title()) !== 'Express',
      )
      const status = await page.evaluate(async () => (await fetch('/asked')).status)
      expect(status).toBe(401)
      await page.close()
    })
  },
)
