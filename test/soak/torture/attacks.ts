import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { testDatabase } from '../../../testkit/database/database.ts'
import { TestServer } from '../../../testkit/server.ts'

/** What is sent to hold the server up: a schema and a value, together below 1 MiB. */
interface Attack {
  readonly name: string
  readonly schema: unknown
  readonly value: unknown
}

const times = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n))
const named = (count: number, name: (n: number) => string, value: (n: number) => unknown) =>
  Object.fromEntries(times(count, (n) => [name(n), value(n)]))

const doubling = (word: 'allOf' | 'anyOf') => ({
  $ref: '#/definitions/0',
  definitions: named(
    60,
    (n) => String(n),
    (n) => ({ [word]: times(2, () => (n === 59 ? false : { $ref: `#/definitions/${n + 1}` })) }),
  ),
})

const attacks: readonly Attack[] = [
  {
    name: '2,000 contains over 100,000 items',
    schema: { allOf: times(2_000, (n) => ({ contains: { const: n + 5 } })) },
    value: times(100_000, () => 1),
  },
  {
    name: '^a* ten times over',
    schema: { pattern: `^${'a*'.repeat(10)}$` },
    value: `${'a'.repeat(60)}b`,
  },
  {
    name: '^a* ten times over a million',
    schema: { pattern: `^${'a*'.repeat(10)}$` },
    value: `${'a'.repeat(1_000_000)}b`,
  },
  { name: '(a+)+', schema: { pattern: '^(a+)+$' }, value: `${'a'.repeat(100_000)}b` },
  { name: 'a back reference', schema: { pattern: '^(a*)*\\1b$' }, value: 'a'.repeat(60) },
  {
    name: 'many counted repetitions',
    schema: { pattern: '((a{1,200}){1,200}){1,200}b' },
    value: 'a'.repeat(10_000),
  },
  {
    name: 'a thousand large automata',
    schema: { allOf: times(1_000, (n) => ({ pattern: `x{${20_000 + n}}y` })) },
    value: 'x'.repeat(30_000),
  },
  {
    name: '2,000 patternProperties over 20,000 keys',
    schema: {
      patternProperties: named(
        2_000,
        (n) => `^k.*${n}$`,
        () => ({ type: 'string' }),
      ),
    },
    value: named(
      20_000,
      (n) => `key${n}`,
      (n) => n,
    ),
  },
  {
    name: '256 kB of allOf',
    schema: { allOf: times(14_000, (n) => ({ minimum: n })) },
    value: 5,
  },
  { name: '256 kB of empty schemas', schema: { allOf: times(80_000, () => ({})) }, value: [] },
  {
    name: 'a large enum over many items',
    schema: { items: { enum: times(25_000, (n) => [n]) } },
    value: times(80_000, (n) => [n]),
  },
  {
    name: 'a large object against an enum, many times',
    schema: { allOf: times(5_000, () => ({ enum: [{ a: 1 }] })) },
    value: named(
      50_000,
      (n) => `key${n}`,
      (n) => n,
    ),
  },
  { name: 'two ways at each of 60 levels', schema: doubling('anyOf'), value: {} },
  { name: 'all of two at each of 60 levels', schema: doubling('allOf'), value: {} },
  {
    name: 'a list within itself, unique at each level',
    schema: { uniqueItems: true, items: { $ref: '#' } },
    value: times(90, () => 0).reduce<unknown>(
      (inner) => [inner],
      times(100_000, (n) => n),
    ),
  },
  {
    name: 'half a million items',
    schema: { items: { type: 'string' } },
    value: times(500_000, () => 1),
  },
  {
    name: 'lengths of a long text',
    schema: { allOf: times(5_000, (n) => ({ maxLength: n + 600_000 })) },
    value: '\u{1f432}'.repeat(200_000),
  },
  {
    name: 'formats of a long text',
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      allOf: ['url', 'email', 'uri-template', 'hostname', 'regex', 'byte', 'duration', 'ipv6'].map(
        (format) => ({ format }),
      ),
    },
    value: `http://${'a:'.repeat(400_000)}`,
  },
  {
    name: 'what nothing has looked at',
    schema: { allOf: times(2_000, () => ({ properties: {} })), unevaluatedProperties: false },
    value: named(
      50_000,
      (n) => `key${n}`,
      (n) => n,
    ),
  },
  { name: 'many small lists', schema: { items: {} }, value: times(340_000, () => []) },
]

const QUERY =
  'query ($schema: JSON!, $value: JSON) { validateJson(schema: $schema, value: $value) { issues { rule } } }'

interface Door {
  readonly name: string
  send(url: string, token: string, attack: Attack): Promise<string>
}

/** Each door with the same attacks; every answer is as short as is told of it. */
const doors: readonly Door[] = [
  {
    name: 'validateJson',
    async send(url, token, { schema, value }) {
      const answer = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: QUERY, variables: { schema, value } }),
      })
      return `${answer.status} ${(await answer.text()).slice(0, 90)}`
    },
  },
  {
    name: '/validator',
    async send(url, _token, { schema, value }) {
      const answer = await fetch(`${url}/topchef/validator`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ schema: { properties: { value: schema } }, object: { value } }),
      })
      return `${answer.status} ${(await answer.text()).slice(0, 90)}`
    },
  },
]

/** No other request may wait so much longer than on an idle server. */
const MAX_LONGER_MS = 100
const IDLE_MS = 3_000

/**
 * Sends what could hold a server up through each door that needs little or no credential, while somebody else asks it all
 * the time; answers in words what made that one wait for too long.
 */
export async function holdUp(tell: (line: string) => void): Promise<string[]> {
  const database = await testDatabase()
  const token = 'the-token-of-the-admin'
  const server = new TestServer(database, {
    ADMIN_TOKEN: token,
    OPEN_FRONTS: 'topchef',
    AUTH: 'token',
  })
  const faults: string[] = []
  let pinger: Worker | undefined
  try {
    await server.start()
    const thread = new Worker(new URL('pinger.mjs', import.meta.url), { workerData: server.url })
    pinger = thread
    const longest = async (): Promise<number> => {
      const told = once(thread, 'message')
      thread.postMessage('tell', [])
      const [ms] = (await told) as [number]
      return ms
    }
    await pause(IDLE_MS)
    await longest()
    await pause(IDLE_MS)
    const idle = await longest()
    tell(`The longest wait of an idle server is ${idle.toFixed(0)} ms.`)
    for (const door of doors)
      for (const attack of attacks) {
        const begun = performance.now()
        const answer = await door.send(server.url, token, attack)
        const tookMs = performance.now() - begun
        const waited = await longest()
        const what = `${door.name}, ${attack.name}: another request waited ${waited.toFixed(0)} ms at most`
        tell(`${what}; answered after ${tookMs.toFixed(0)} ms: ${answer}`)
        if (waited > idle + MAX_LONGER_MS) faults.push(what)
      }
  } finally {
    await pinger?.terminate()
    await server.end('SIGKILL')
    await database.drop()
  }
  return faults
}
