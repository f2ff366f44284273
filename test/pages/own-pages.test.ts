import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import {
  type Browser,
  chromiumPath,
  openChromium,
  withChromium,
} from '../../testkit/machine/chromium.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp({ AUTH: 'open' })
})
afterAll(() => app.close())

const HTML = { accept: 'text/html' }

test.each([
  ['GraphiQL', '/graphql'],
  ['the list of documentation', '/docs'],
  ['the documentation of ABEJA', '/abeja/docs'],
  ['the documentation of TopChef', '/topchef/docs'],
  ['an answer', '/graphql?query=%7B__typename%7D'],
  ['what is not there', '/nothing'],
  ['what is malformed', '/deployments/%zz/services/x'],
  ['what is refused', '/uploads/upl_x/source.tgz'],
  ['the way to a page of a service', '/open/svc_x'],
])('%s runs nothing of others, and stands in no frame', async (what, path) => {
  const headers = what === 'an answer' ? {} : HTML
  const answer = await fetch(app.url + path, { headers, redirect: 'manual' })
  const policy = answer.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy).not.toMatch(/script-src[^;]*('unsafe|'self'|\*|https?:)/)
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
})

test.skipIf(chromiumPath === undefined)(
  withChromium('GraphiQL runs its own script under its policy, and asks this server'),
  async () => {
    const browser: Browser = await openChromium()
    try {
      const page = await browser.context.newPage()
      const complaints: string[] = []
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text())
      })
      page.on('pageerror', (error) => complaints.push(error.message))
      await page.goto(`${app.url}/graphql?query=${encodeURIComponent('{ viewer { role } }')}`)
      await page.click('.graphiql-execute-button')
      await page.waitForFunction('document.body.innerText.includes("ADMIN")')
      expect(complaints.filter((one) => /policy|violat/i.test(one))).toEqual([])
    } finally {
      await browser.close()
    }
  },
)
