import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../../testkit/shared.ts'
import { Abeja } from '../../../testkit/fronts/abeja.ts'

/* Contract 7.1: endpoints, and calls through them. */

let app: SharedApp
let abeja: Abeja
let running: Awaited<ReturnType<Abeja['running']>>
let endpoints: string
beforeAll(async () => {
  app = await sharedApp()
  abeja = await Abeja.of(app.admin)
  running = await abeja.running({ 'main.py': said('one') })
  endpoints = `/deployments/${running.deployment}/endpoints`
})
afterAll(() => app.close())

const said = (word: string) => `
def handler(request, context):
    return {"content": "${word}"}
`

const call = async (path: string): Promise<[number, string]> => {
  const response = await fetch(app.url + path, { method: 'POST', headers: app.admin.headers })
  return [response.status, await response.text()]
}

test('an endpoint is made once by its name, and found by its id and its name', async () => {
  const made = await abeja.did('POST', endpoints, { service_id: running.service })
  expect(made).toEqual({
    endpoint_id: expect.stringMatching(/^pnt-[0-9a-f]{16}$/),
    custom_alias: 'default',
    service_id: running.service,
  })
  const named = { service_id: running.service, custom_alias: 'blue' }
  const blue = await abeja.did('POST', endpoints, named)
  expect((await abeja.call('POST', endpoints, named)).status).toBe(400)
  expect(await abeja.did('GET', endpoints)).toEqual({ entries: [made, blue] })
  expect(await abeja.did('GET', `${endpoints}/blue`)).toEqual(blue)
  expect(await abeja.did('GET', `${endpoints}/${String(blue['endpoint_id'])}`)).toEqual(blue)
})

test('calls go through the default endpoint and through named ones', async () => {
  const { deployment } = running
  for (const prefix of ['', '/abeja'])
    for (const path of [`/deployments/${deployment}`, `/deployments/${deployment}/endpoints/blue`])
      expect(await call(prefix + path), prefix + path).toEqual([200, 'one'])
  expect((await call(`/deployments/${deployment}/endpoints/nobody`))[0]).toBe(404)
  expect((await call('/deployments/9876543210987'))[0]).toBe(404)
})

test('a patch lets it lead elsewhere, a delete ends it', async () => {
  const { deployment } = running
  const version = await abeja.version(deployment, { 'main.py': said('two') })
  const services = `/deployments/${deployment}/services`
  const { service_id: two } = await abeja.did('POST', services, { version_id: version })
  await abeja.becomes(`${services}/${two}`, 'READY')
  const answer = await abeja.did('PATCH', `${endpoints}/blue`, { service_id: two })
  expect(answer).toEqual({ message: expect.stringMatching(/^pnt-[0-9a-f]{16} updated$/) })
  expect((await call(`/deployments/${deployment}/endpoints/blue`))[1]).toBe('two')
  expect((await call(`/deployments/${deployment}`))[1]).toBe('one')
  const deleted = await abeja.did('DELETE', `${endpoints}/blue`)
  expect(deleted).toEqual({ message: expect.stringMatching(/^pnt-[0-9a-f]{16} deleted$/) })
  expect((await call(`/deployments/${deployment}/endpoints/blue`))[0]).toBe(404)
})

test('what is missing is 404, what a body names wrongly is 400', async () => {
  for (const method of ['GET', 'DELETE'])
    expect((await abeja.call(method, `${endpoints}/nobody`)).status).toBe(404)
  const elsewhere = '/deployments/9876543210987/endpoints'
  expect((await abeja.call('GET', elsewhere)).status).toBe(404)
  const wanted = { service_id: running.service }
  expect((await abeja.call('PATCH', `${endpoints}/nobody`, wanted)).status).toBe(404)
  expect((await abeja.call('POST', elsewhere, wanted)).status).toBe(400)
  for (const body of [{}, { service_id: 5 }, { service_id: 'ser-0000000000000000' }])
    for (const [method, path] of [
      ['POST', endpoints],
      ['PATCH', `${endpoints}/default`],
    ] as const)
      expect((await abeja.call(method, path, body)).status, JSON.stringify(body)).toBe(400)
})
