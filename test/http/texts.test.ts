import { once } from 'node:events'
import * as fc from 'fast-check'
import { WebSocket } from 'ws'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Prisma } from '../../src/generated/prisma/client.ts'
import { amount, freshSeed } from '../../testkit/random.ts'
import { seedQueue } from '../../testkit/seed/jobs.ts'
import { streamApp, type StreamApp } from '../../testkit/stream-app.ts'
import { jsonTexts } from './json-texts.ts'

let app: StreamApp
let queue: string
beforeAll(async () => {
  app = await streamApp({ OPERATIONS_PER_SECOND: '100000' })
  queue = await seedQueue(app.admin)
})
afterAll(() => app.close())

/** Sends an operation with variables in these very words, and answers the text of the answer. */
type Door = (query: string, variables: string) => Promise<string>

const post =
  (headers: Record<string, string>): Door =>
  async (query, variables) => {
    const response = await fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers, ...app.admin.headers },
      // the last of equal names counts
      body: `{ "variables": {"input": 1}, "query": ${JSON.stringify(query)}, "variables" : ${variables} }`,
    })
    return response.text()
  }

const form: Door = async (query, variables) => {
  const body = new URLSearchParams({ query, variables })
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: app.admin.headers,
    body,
  })
  return response.text()
}

/** Over a socket of its own, between frames that say something else. */
const socket: Door = async (query, variables) => {
  const ws = new WebSocket(`${app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    headers: app.admin.headers,
  })
  try {
    await once(ws, 'open')
    ws.send('{"type":"connection_init"}')
    await once(ws, 'message')
    const other = JSON.stringify({ query: '{ __typename }', variables: { input: 1 } })
    ws.send(`{"id":"before","type":"subscribe","payload":${other}}`)
    ws.send(
      `{"payload": {"variables": ${variables}, "query": ${JSON.stringify(query)}}, "type": "subscribe", "id": "it"}`,
    )
    ws.send(`{"id":"after","type":"subscribe","payload":${other}}`)
    for (;;) {
      const [frame] = (await once(ws, 'message')) as [Buffer]
      const { id, type, payload } = JSON.parse(String(frame)) as {
        id?: string
        type: string
        payload?: unknown
      }
      if (id === 'it' && type !== 'complete') return JSON.stringify(payload)
    }
  } finally {
    ws.terminate()
  }
}

const doors: Record<string, Door> = {
  'the fast door': post({}),
  'Yoga’s door': post({ 'content-type': 'application/graphql+json' }),
  SSE: async (query, variables) => {
    const said = await post({ accept: 'text/event-stream' })(query, variables)
    return (
      said
        .split('\n')
        .find((line) => line.startsWith('data: {'))
        ?.slice(6) ?? said
    )
  },
  'a form': form,
  WebSocket: socket,
}

const submit = `mutation ($input: SubmitJobsInput!) {
  submitJobs(input: $input) {
    ... on SubmitJobsSuccess { jobs { id parameters } }
    ... on UserError { message }
  }
}`

interface Submitted {
  readonly data: { submitJobs: { jobs: { id: string; parameters: unknown }[] } }
}

/** What is stored of the jobs of the queue, the newest last. */
async function stored(count: number): Promise<(string | null)[]> {
  const rows = await app.database.query<{ parameters: string | null }>(
    Prisma.sql`SELECT parameters FROM "Job" ORDER BY serial DESC LIMIT ${count}::int`,
  )
  return rows.map(({ parameters }) => parameters).toReversed()
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

test.each(Object.entries(doors))(
  'by %s, JSON is stored as the text that was sent, and shown as is documented',
  async (_name, door) => {
    await fc.assert(
      fc.asyncProperty(fc.array(jsonTexts, { minLength: 1, maxLength: 30 }), async (texts) => {
        const jobs = texts.map(
          ({ text }) => `{"serviceId": "${queue}", "parameters": ${text}, "labels": []}`,
        )
        const answer = await door(submit, `{"input": {"jobs": [ ${jobs.join(', ')} ]}}`)
        const { data } = JSON.parse(answer) as Submitted
        expect(await stored(texts.length)).toEqual(texts.map(({ text }) => text))
        expect(data.submitJobs.jobs.map(({ parameters }) => parameters)).toEqual(
          texts.map(({ shown }) => plain(JSON.parse(shown))),
        )
      }),
      { seed: freshSeed(), numRuns: amount({ share: 25, whole: 100 }) },
    )
  },
)

test.each(Object.entries(doors))('by %s, the same once it is compiled', async (_name, door) => {
  const text = '{"10": 12345678901234567890, "9": 1.0, "a": 1, "a": 2}'
  for (let n = 0; n < 4; n += 1) {
    const jobs = `[{"serviceId": "${queue}", "parameters": ${text}}]`
    const answer = await door(submit, `{"input": {"jobs": ${jobs}}}`)
    const { data } = JSON.parse(answer) as Submitted
    expect(data.submitJobs.jobs[0]?.parameters).toEqual({
      9: 1,
      10: '12345678901234567890',
      a: 2,
    })
    expect(await stored(1)).toEqual([text])
  }
})

test('a variable may be JSON itself, a list of one, null or absent', async () => {
  const one = `mutation ($serviceId: ID!, $parameters: JSON, $other: Int = 3) {
    submitJob(input: { serviceId: $serviceId, parameters: $parameters, priority: $other }) { __typename }
  }`
  const many = `mutation ($jobs: [SubmitJobsItem!]!) { submitJobs(input: { jobs: $jobs }) { __typename } }`
  for (const [query, variables, text] of [
    [one, `"parameters": 1.50`, '1.50'],
    [one, `"parameters": null`, 'null'],
    [one, `"parameters": "\\u0041"`, '"\\u0041"'],
    [one, `"parameters": 0, "other": 1, "parameters": 7e0`, '7e0'],
    [one, `"other": null`, 'null'],
    [many, `"jobs": {"serviceId": "${queue}", "parameters": 1E1}`, '1E1'],
    [many, `"jobs": [{"serviceId": "${queue}", "parameters": {}, "parameters": 2.0}]`, '2.0'],
    [many, `"jobs": [[]], "jobs": [{"serviceId": "${queue}", "parameters": 3.0}]`, '3.0'],
  ] as const)
    for (let n = 0; n < 3; n += 1) {
      const id = query === one ? `"serviceId": "${queue}", ` : ''
      await post({})(query, `{${id}${variables}}`)
      expect(await stored(1), `${query} ${variables}`).toEqual([text])
    }
})

test('literals in a document, and variables within them, are kept as they are written', async () => {
  const query = `mutation ($x: JSON, $n: Int, $absent: JSON, $given: JSON = {z: 1.0, a: 20e-1}) {
    a: submitJob(input: { serviceId: "${queue}", parameters: {b: 12345678901234567890, a: [1.0, 1e400, -0, "\\u0000é", true, null], x: $x, n: $n, absent: $absent} }) { __typename }
    b: submitJob(input: { serviceId: "${queue}", parameters: $given }) { __typename }
    c: submitJob(input: { serviceId: "${queue}", parameters: 1.0 }) { __typename }
    d: submitJobs(input: { jobs: [{ serviceId: "${queue}", parameters: """a "block" too""" }] }) { __typename }
  }`
  for (let n = 0; n < 3; n += 1) {
    await post({})(query, '{"x": {"2": 1.0, "1": 2}, "n": 5}')
    expect(await stored(4)).toEqual([
      String.raw`{"b":12345678901234567890,"a":[1.0,1e400,-0,"\u0000é",true,null],"x":{"2": 1.0, "1": 2},"n":5}`,
      '{"z":1.0,"a":20e-1}',
      '1.0',
      String.raw`"a \"block\" too"`,
    ])
  }
})

test('other scalars of a request with such JSON are what they were', async () => {
  const query = `mutation ($input: SubmitJobInput!) { submitJob(input: $input) {
    ... on SubmitJobSuccess { job { priority lane labels { name value } } } ... on UserError { message } } }`
  const json = '"parameters": {"2": 12345678901234567890}'
  const send = async (more: string) =>
    JSON.parse(await post({})(query, `{"input": {"serviceId": "${queue}", ${json}, ${more}}}`)) as {
      data?: unknown
      errors?: { message: string }[]
    }
  expect(
    await send(
      String.raw`"priority": 3.0, "lane": "\u0061", "labels": {"name": "1", "value": "\u00e9"}`,
    ),
  ).toMatchObject({
    data: { submitJob: { job: { priority: 3, lane: 'a', labels: [{ name: '1', value: 'é' }] } } },
  })
  // what is wrong is told of what was sent, as JSON.parse read it
  const told = [
    ['"priority": 3.5', 'at "input.priority"; Int cannot represent non-integer value: 3.5'],
    ['"priority": 1e400', 'Int cannot represent non-integer value: Infinity'],
    [
      '"lane": 12345678901234567890',
      'String cannot represent a non string value: 12345678901234567000',
    ],
    ['"nothing": 1', 'got invalid value { serviceId: '],
    ['"nothing": 1', 'parameters: { 2: 12345678901234567000 }, nothing: 1 }'],
  ]
  for (const [more = '', message] of told)
    for (let n = 0; n < 3; n += 1)
      expect((await send(more)).errors?.[0]?.message).toContain(message)
})

test('nobody can send what looks like a kept text', async () => {
  const text = '{"text": "1", "value": 2, "toJSON": {}}'
  const jobs = `[{"serviceId": "${queue}", "parameters": ${text}}]`
  const answer = await post({})(submit, `{"input": {"jobs": ${jobs}}}`)
  expect(await stored(1)).toEqual([text])
  expect((JSON.parse(answer) as Submitted).data.submitJobs.jobs[0]?.parameters).toEqual({
    text: '1',
    value: 2,
    toJSON: {},
  })
})
