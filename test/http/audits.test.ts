import { serverAudits } from 'graphql-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

const audits = serverAudits({
  url: () => `${app.url}/graphql`,
  fetchFn: (url: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers)
    for (const [name, value] of Object.entries(app.admin.headers)) headers.set(name, value)
    return fetch(url, { ...init, headers })
  },
})

// The first request of a document goes to Yoga, the second meets the fast door where it is plain.
for (const { id, name, fn } of audits)
  test(`${id} ${name}, twice in a row`, async () => {
    for (const time of ['first', 'second']) expect(await fn(), time).toMatchObject({ status: 'ok' })
  })

test('all of them are there', () => expect(audits.length).toBe(61))
