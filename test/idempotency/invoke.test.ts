import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import { InvokeService, StopService } from '../../testkit/operations/services.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { becomes, runningService } from '../../testkit/seed/services.ts'
import { apart, atOnce } from './answers.ts'

let app: SharedApp
let id: string
beforeAll(async () => {
  app = await sharedApp()
  const files = {
    'main.py': `
import json

calls = 0

def handler(request, context):
    global calls
    calls += 1
    return {'content': {'call': calls, 'text': 'x' * json.loads(request.read())['size']}}
`,
  }
  id = (await runningService(app.admin, files)).id
})
afterAll(() => app.close())

const invoke = async (size: number, idempotencyKey: string) => {
  const input = { id, json: { size }, idempotencyKey }
  return (await app.admin.request(InvokeService, { input })).invokeService
}
const answer = async (size: number, key: string) =>
  succeeded(await invoke(size, key), 'InvokeServiceSuccess')

test('a service is called once for a key, and its answer repeated', async () => {
  const key = randomUUID()
  const outcomes = await atOnce(20, () => answer(1, key))
  expect(apart(outcomes)).toEqual({ answers: [expect.any(String)], firsts: 1 })
  expect(outcomes[0]?.json).toEqual({ call: 1, text: 'x' })
  expect((await answer(1, randomUUID())).json).toEqual({ call: 2, text: 'x' })
})

test('an answer of more than 256 kB is given once, and the service not called again', async () => {
  const key = randomUUID()
  const { json } = await answer(300_000, key)
  expect(json).toMatchObject({ call: 3 })
  expect(await invoke(300_000, key)).toMatchObject({
    __typename: 'Conflict',
    field: 'idempotencyKey',
  })
  expect((await answer(1, randomUUID())).json).toMatchObject({ call: 4 })
})

test('a refusal is repeated with its facts', async () => {
  const input = { id, idempotencyKey: randomUUID() }
  expect((await app.admin.request(StopService, { input })).stopService).toMatchObject({
    __typename: 'StopServiceSuccess',
  })
  await becomes(app.admin, id, 'STOPPED')
  const key = randomUUID()
  const refused = await invoke(1, key)
  expect(refused).toMatchObject({ __typename: 'WrongState' })
  expect(await invoke(1, key)).toEqual(refused)
})
