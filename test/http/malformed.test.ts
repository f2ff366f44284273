import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

test('texts that PostgreSQL cannot store are refused before they reach it', async () => {
  for (const text of ['\0', 'a\0b', '\uD800', '\uDC00\uD800'])
    for (const [query, place] of [
      ['query ($text: String!) { deployments(text: $text) { totalCount } }', 'text'],
      [
        'query ($text: String!) { services(filter: { text: $text }) { totalCount } }',
        'filter.text',
      ],
      [
        'query ($text: String!) { services(filter: { name: $text }) { totalCount } }',
        'filter.name',
      ],
      [
        'query ($text: String!) { activity(filter: { actor: $text }) { totalCount } }',
        'filter.actor',
      ],
      [
        'query ($text: String!) { activity(filter: { actions: ["a", $text] }) { totalCount } }',
        'filter.actions.1',
      ],
    ]) {
      const response = await fetch(`${app.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...app.admin.headers },
        body: JSON.stringify({ query, variables: { text } }),
      })
      expect(await response.json()).toMatchObject({
        errors: [
          {
            message: `\`${place}\` must not contain NUL or half a surrogate pair.`,
            extensions: { code: 'BAD_REQUEST' },
          },
        ],
      })
    }
})

test('a content type that is none is the caller’s mistake, on every door', async () => {
  const body = '{"query":"{ __typename }"}'
  const headers = { 'content-type': 'none', ...app.admin.headers }
  for (const path of ['/graphql', '/nothing', '/deployments/a/services/b']) {
    const response = await fetch(app.url + path, { method: 'POST', headers, body })
    expect(response.status).toBe(400)
    expect(await response.text()).not.toContain('INTERNAL')
  }
})

test('variables that are no JSON are the caller’s mistake in a URL and in a form too', async () => {
  const wrong = ['variables=[', 'variables=%00', 'extensions={', 'extensions=a']
  const headers = { accept: 'application/graphql-response+json', ...app.admin.headers }
  for (const parameters of wrong.map((one) => `query={__typename}&${one}`)) {
    const form = {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: parameters,
    }
    for (const response of [
      await fetch(`${app.url}/graphql?${parameters}`, { headers }),
      await fetch(`${app.url}/graphql`, form),
    ]) {
      expect([parameters, response.status]).toEqual([parameters, 400])
      expect(await response.json()).toMatchObject({
        errors: [{ extensions: { code: 'BAD_REQUEST' } }],
      })
    }
  }
})
