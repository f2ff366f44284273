import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { seedQueue } from '../../testkit/seed/jobs.ts'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'

/* Times that come in: RFC 3339, on days that the calendar has. */

let app: SharedApp
let queue: string
beforeAll(async () => {
  app = await sharedApp()
  queue = await seedQueue(app.admin)
})
afterAll(() => app.close())

const SubmitAt = graphql(`
  mutation SubmitAt($serviceId: ID!, $at: DateTime) {
    submitJob(input: { serviceId: $serviceId, parameters: {}, runAfter: $at }) {
      ... on SubmitJobSuccess {
        job {
          runAfter
        }
      }
    }
  }
`)

/** What the server has taken a time for. */
async function takenFor(at: string): Promise<unknown> {
  const { submitJob } = await app.admin.request(SubmitAt, { serviceId: queue, at })
  return 'job' in submitJob ? submitJob.job.runAfter : submitJob
}

test.each([
  ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000000Z'],
  ['2000-02-29t23:59:59.9z', '2000-02-29T23:59:59.900000Z'],
  ['2026-12-31T23:59:59.123456789+05:45', '2026-12-31T18:14:59.123000Z'],
  ['2026-03-01T00:30:00+01:00', '2026-02-28T23:30:00.000000Z'],
  ['2026-02-28T23:30:00-00:00', '2026-02-28T23:30:00.000000Z'],
  ['2026-01-01T00:00:00-23:59', '2026-01-01T23:59:00.000000Z'],
  // the seconds that were put in, which no clock of ours shows
  ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000000Z'],
  ['1990-12-31T15:59:60.75-08:00', '1991-01-01T00:00:00.000000Z'],
  ['2015-07-01T08:59:60+09:00', '2015-07-01T00:00:00.000000Z'],
  ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000000Z'],
  ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999000Z'],
])('%s is taken for %s', async (written, meant) => {
  expect(await takenFor(written)).toBe(meant)
})

const NO_TIMES = [
  '2026-02-31T00:00:00Z',
  '2026-02-30T12:00:00+02:00',
  '2026-02-29T00:00:00Z',
  '1900-02-29T00:00:00Z',
  '2026-04-31T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-00-10T00:00:00Z',
  '2026-01-00T00:00:00Z',
  '2026-01-32T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T23:60:00Z',
  '2026-01-01T23:59:61Z',
  '2026-01-01T23:59:60Z', // no second is ever put in there
  '2016-12-31T23:59:60+01:00',
  '2016-12-31T22:59:60Z',
  '2026-01-01T00:00:00+24:00',
  '2026-01-01T00:00:00+23:60',
  '2026-01-01T00:00:00+0100',
  '2026-01-01T00:00:00',
  '2026-01-01 00:00:00Z',
  '2026-01-01T00:00Z',
  '2026-01-01T00:00:00,5Z',
  '2026-01-01T00:00:00.Z',
  '2026-01-01',
  '26-01-01T00:00:00Z',
  '12026-01-01T00:00:00Z',
  '+002026-01-01T00:00:00Z',
  '0000-06-01T00:00:00Z',
  '0001-01-01T00:00:00+01:00',
  '9999-12-31T23:59:59-01:00',
  '２０２６-01-01T00:00:00Z',
  ' 2026-01-01T00:00:00Z',
  '2026-01-01T00:00:00Z\n',
  '',
  0,
  1_767_225_600,
  true,
  {},
]

const AS_VARIABLE =
  'query ($at: DateTime!) { jobs(filter: { createdAt: { from: $at } }) { totalCount } }'
const inText = (at: unknown): string =>
  `{ jobs(filter: { createdAt: { from: ${typeof at === 'object' ? '{}' : JSON.stringify(at)} } }) { totalCount } }`

interface Told {
  readonly data?: unknown
  readonly errors?: readonly { message: string; extensions?: { code?: string } }[]
}

async function post(body: object): Promise<Told> {
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...app.admin.headers },
    body: JSON.stringify(body),
  })
  return (await response.json()) as Told
}

async function get(query: Record<string, string>): Promise<Told> {
  const url = `${app.url}/graphql?${new URLSearchParams(query)}`
  const accept = 'application/graphql-response+json'
  const response = await fetch(url, { headers: { ...app.admin.headers, accept } })
  return (await response.json()) as Told
}

const refused = (told: Told, at: unknown): void => {
  const words = told.errors?.map(({ message }) => message).join(' ')
  expect(words, JSON.stringify(at)).toContain('DateTime wants an RFC 3339 time such as')
  expect(told.data ?? null).toBeNull()
}

test.each(NO_TIMES)('%j is refused: in a document, in variables, at every door', async (at) => {
  refused(await post({ query: inText(at) }), at)
  refused(await get({ query: inText(at) }), at)
  refused(await post({ query: AS_VARIABLE, variables: { at } }), at)
  // the second time it is a document that is known
  refused(await post({ query: AS_VARIABLE, variables: { at } }), at)
  refused(await get({ query: AS_VARIABLE, variables: JSON.stringify({ at }) }), at)
})

test('a WebSocket refuses them too', async () => {
  const socket = app.admin.socket()
  const ask = async (query: string, variables?: Record<string, unknown>): Promise<Told> => {
    const results = socket.iterate({ query, variables })
    const told = await results.next().catch((errors: unknown) => ({ value: { errors } }))
    return told.value as Told
  }
  for (const at of NO_TIMES) {
    refused(await ask(inText(at)), at)
    refused(await ask(AS_VARIABLE, { at }), at)
  }
  await socket.dispose()
})

const Fits = graphql(`
  query TimeFits($schema: JSON!, $value: JSON!) {
    validateJson(schema: $schema, value: $value) {
      isValid
    }
  }
`)

test.each([
  ['date', '2024-02-29', true],
  ['date', '2026-02-31', false],
  ['date', '2026-19-39', false],
  ['time', '23:59:59Z', true],
  ['time', '29:00:00Z', false],
  ['time', '23:59:60Z', true],
  ['date-time', '2026-02-28T23:00:00+01:00', true],
  ['date-time', '2026-02-31T00:00:00Z', false],
  ['date-time', '2026-01-01T24:00:00Z', false],
  ['date-time', '2026-01-01 00:00:00Z', false],
  ['date-time', '2026-01-01T00:00:00+24:00', false],
])('a %s of %s fits the format: %s', async (format, value, isValid) => {
  const { validateJson } = await app.admin.request(Fits, { schema: { format }, value })
  expect(validateJson).toEqual({ isValid })
})
