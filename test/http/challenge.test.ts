import { execFile } from 'node:child_process'
import { request } from 'node:http'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { runningService } from '../../testkit/seed/services.ts'

/* Clients that send their credential only when they are asked for it, and browsers, which are never asked. */

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

const CHALLENGE = ['Basic realm="Millrace", charset="UTF-8"', 'Bearer realm="Millrace"']

/** Whatever headers are given, and none besides: fetch adds those of a browser. */
async function ask(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  { method = 'GET', body }: { method?: string; body?: string } = {},
): Promise<{ status: number; challenge: string[] | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(app.url + path, { method, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          challenge: response.headersDistinct['www-authenticate'],
          text,
        }),
      )
    })
    sent.on('error', reject).end(body)
  })
}

const VIEWER = JSON.stringify({ query: '{ viewer { role } }' })
const post = { method: 'POST', body: VIEWER }
const json = { 'content-type': 'application/json' }

/** Every door that answers 401: to nobody, and to whoever brings what is not known. */
const doors: [string, { method?: string; body?: string }][] = [
  ['/graphql', post],
  ['/graphql?query=%7B%20viewer%20%7B%20role%20%7D%20%7D', {}],
  ['/topchef/services', {}],
  ['/topchef/services', { method: 'POST', body: '{"name":"x"}' }],
  ['/abeja/organizations/1000000000000/deployments', {}],
  ['/deployments/1000000000000/services/ser-0000000000000000', post],
  ['/deployments/any/services/any', post],
  ['/routes/any', {}],
  ['/metrics', {}],
]

test('every 401 says how to bring a credential, one line for each way', async () => {
  for (const [path, how] of doors)
    for (const authorization of [undefined, 'Bearer mrt_unknown', 'Basic x'])
      expect(
        await ask(path, { ...json, ...(authorization && { authorization }) }, how),
        path,
      ).toMatchObject({
        status: 401,
        challenge: CHALLENGE,
      })
})

test('a browser is asked for nothing: no page of it opens a dialogue, and no navigation', async () => {
  const browsers: Readonly<Record<string, string>>[] = [
    { 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    { origin: app.url },
    { 'x-requested-with': 'XMLHttpRequest' },
    { accept: 'text/event-stream' },
    { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' },
  ]
  const given = { ...json, authorization: 'Bearer mrt_unknown' }
  for (const browser of browsers)
    for (const [path, how] of doors)
      expect(await ask(path, { ...given, ...browser }, how), path).toMatchObject({
        status: 401,
        challenge: undefined,
      })
})

test('to a page of a browser GraphQL says in its errors alone that a credential is missing', async () => {
  const { status, text } = await ask('/graphql', { ...json, 'sec-fetch-mode': 'cors' }, post)
  expect(status).toBe(200)
  expect(JSON.parse(text)).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] })
  const asked = await ask('/graphql', json, post)
  expect(JSON.parse(asked.text)).toEqual(JSON.parse(text))
  // what is open to all is not asked for more
  const open = JSON.stringify({ query: '{ __typename }' })
  expect(await ask('/graphql', json, { method: 'POST', body: open })).toMatchObject({
    status: 200,
    challenge: undefined,
  })
})

test('a 401 of a service is its own', async () => {
  const { invokeUrl } = await runningService(
    app.admin,
    { 'main.mjs': 'export const handler = () => new Response("no", { status: 401 })' },
    { image: 'node', handler: 'main:handler' },
  )
  const { pathname } = new URL(invokeUrl)
  expect(await ask(pathname, app.admin.headers)).toEqual({
    status: 401,
    challenge: undefined,
    text: 'no',
  })
})

const run = promisify(execFile)

test('curl gets in that sends its credential only when asked, with its body again', async () => {
  const user = `any:${app.admin.token}`
  const curl = async (...args: string[]) =>
    (await run('curl', ['-sS', '--anyauth', '--user', user, ...args])).stdout
  expect(JSON.parse(await curl(`${app.url}/topchef/services`))).toMatchObject({ data: [] })
  const type = ['-H', 'content-type: application/json']
  const answer = await curl(...type, '--data', VIEWER, `${app.url}/graphql`)
  expect(JSON.parse(answer)).toMatchObject({ data: { viewer: { role: 'ADMIN' } } })
})

test("Python's urllib gets in, which answers a challenge only", async () => {
  const script = `
import json, sys, urllib.request
url, token = sys.argv[1:]
passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
passwords.add_password(None, url, 'any', token)
opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))
def ask(path, body=None):
    request = urllib.request.Request(url + path, body, {'content-type': 'application/json'})
    return json.load(opener.open(request))
service = {'name': 'by urllib', 'description': '', 'job_registration_schema': {}, 'job_result_schema': {}}
made = ask('/topchef/services', json.dumps(service).encode())
print(json.dumps([made['data']['service_details']['name'], ask('/graphql', b'{"query": "{ viewer { role } }"}')]))
`
  const { stdout } = await run('python3', ['-c', script, app.url, app.admin.token ?? ''])
  expect(JSON.parse(stdout)).toMatchObject(['by urllib', { data: { viewer: { role: 'ADMIN' } } }])
})
