import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { runningService } from '../../testkit/seed/services.ts'

let app: SharedApp
let service: string
beforeAll(async () => {
  app = await sharedApp()
  // answers what it was sent as a text, and again as it came
  const source = `export async function handler(request) {
    const text = await request.text()
    return new Response('[' + JSON.stringify(text) + ', ' + text + ']', { headers: { 'content-type': 'application/json' } })
  }`
  service = (await runningService(app.admin, { 'main.mjs': source }, { image: 'node' })).id
})
afterAll(() => app.close())

const odd = String.raw`{ "10": 12345678901234567890, "9": 1.0,"a": [1e400, 0.10], "a": "\u0000\ud800\/" }`
const shown = { 9: 1, 10: '12345678901234567890', a: '\0\ud800/' }

async function send(query: string, input: string): Promise<Record<string, unknown> | undefined> {
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...app.admin.headers },
    body: `{"query": ${JSON.stringify(query)}, "variables": {"input": ${input}}}`,
  })
  const { data } = (await response.json()) as { data?: { it?: Record<string, unknown> } }
  return data?.it
}

test('a service is sent the text that came, and its answer shown, also when it is repeated', async () => {
  const query = `mutation ($input: InvokeServiceInput!) {
    it: invokeService(input: $input) { ... on InvokeServiceSuccess { json replayed } ... on Error { message } } }`
  const call = (json: string, more = '') => send(query, `{"id": "${service}"${json}${more}}`)
  expect(await call(`, "json": ${odd}`)).toMatchObject({ json: [odd, shown] })
  expect(await call(`, "json": null`)).toMatchObject({ json: ['null', null] })
  const keyed = () => call(`, "json": ${odd}`, ', "idempotencyKey": "exact"')
  expect(await keyed()).toEqual({ json: [odd, shown], replayed: false })
  expect(await keyed()).toEqual({ json: [odd, shown], replayed: true })
})

test('so is a service that does a job', async () => {
  const query = `mutation ($input: SubmitJobInput!) {
    it: submitJob(input: $input) { ... on SubmitJobSuccess { job { status result } } ... on Error { message } } }`
  const input = `{"serviceId": "${service}", "parameters": ${odd}, "waitSeconds": 30}`
  expect(await send(query, input)).toEqual({
    job: { status: 'SUCCEEDED', result: [odd, shown] },
  })
})
