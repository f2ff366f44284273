import { readdirSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { namingOf } from '../../src/addresses/index.ts'
import { readConfig } from '../../src/config.ts'
import { catalogue } from '../../src/ports/metrics/catalogue.ts'
import { apiDocument } from '../../src/rest/document/write.ts'
import { frontNames, fronts as described, wordOf } from '../../src/rest/fronts.ts'
import { fronts, Problem } from '../../src/rest/index.ts'
import { placesIn } from '../../src/rest/nouns.ts'
import type { Front } from '../../src/rest/protocol.ts'
import { graphql } from '../../testkit/generated/index.ts'
import { until } from '../../testkit/until.ts'
import { streamApp, type StreamApp } from '../../testkit/stream-app.ts'
import { Abeja } from '../../testkit/fronts/abeja.ts'

/* What all fronts have in common. */

let app: StreamApp
beforeAll(async () => {
  app = await streamApp({ OPEN_FRONTS: 'abeja', OPEN_FRONT_ROLE: 'VIEWER' })
})
afterAll(() => app.close())

/** A path with its variable parts as what they may be: ids of its front where it says so, anything otherwise. */
const shape = (path: string): string =>
  path.replaceAll(/:\w+(\([^)]*\))?/g, (_part, form?: string) => form ?? ':any')

test('no two routes stand in the same place of the main port', () => {
  const all = fronts.flatMap(({ name, prefix, routes, atRoot }) => [
    ...routes.map(({ method, path }) => ({ name, at: `${method} ${shape(prefix + path)}` })),
    ...atRoot.map(({ method, path }) => ({ name, at: `${method} ${shape(path)}` })),
  ])
  // what the server itself has at the root
  for (const own of ['/', '/docs', '/graphql', '/healthz', '/readyz', '/metrics', '/millrace.py'])
    all.push({ name: 'ABEJA', at: `GET ${own}` })
  const places = all.map(({ at }) => at)
  expect(places.filter((at, n) => places.indexOf(at) !== n)).toEqual([])
  const prefixes = fronts.map(({ prefix }) => prefix)
  expect(new Set(prefixes).size).toBe(prefixes.length)
})

test('nothing but translation is in the folder of a front', () => {
  const folder = new URL('../../src/rest/', import.meta.url)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  for (const file of files.filter((one) => one.endsWith('.ts'))) {
    const text = readFileSync(new URL(file, folder), 'utf8')
    expect(text, file).not.toMatch(
      /\bctx\.(?!doors|viewer|config|origin|operation)|database|prisma\./,
    )
  }
})

test('every operation of a front is in a file beside it, with the name of the front', () => {
  for (const { name, routes, atRoot } of fronts)
    for (const { operations } of [...routes, ...atRoot])
      for (const document of operations)
        expect(String(document).trim()).toMatch(
          new RegExp(`^(query|mutation) ${name[0]}${name.slice(1).toLowerCase()}[A-Z]`),
        )
})

test('the document of a front is written in each version', () => {
  const abeja = fronts.find(({ name }) => name === 'ABEJA')
  if (abeja === undefined) throw new Error('there is one')
  const as = (dialect: Front['api']['dialect']) =>
    JSON.stringify(apiDocument({ ...abeja, api: { ...abeja.api, dialect } }, 'http://h:1/abeja'))
  const [newest, newer, old] = (['3.1.0', '3.0.3', '2.0'] as const).map(as)
  expect(newest).toContain('"openapi":"3.1.0"')
  expect(newest).toContain('"type":["string","null"]')
  expect(newer).toContain('"nullable":true')
  expect(newer).not.toContain('"null"')
  expect(old).toContain('"swagger":"2.0"')
  expect(old).toContain('"basePath":"/abeja"')
  expect(old).toContain('"x-nullable":true')
  expect(old).not.toMatch(/requestBody|components/)
  for (const document of [newest, newer, old]) {
    const known = document?.includes('"definitions"') ? '#/definitions/' : '#/components/schemas/'
    for (const [, to] of document?.matchAll(/"\$ref":"([^"]+)"/g) ?? [])
      expect(Object.keys(abeja.api.schemas).map((name) => known + name)).toContain(to)
  }
})

const each = fronts.map((front) => [front.name, front] as const)

test.each(each)(
  '%s has its settings, its door in the metrics and its page',
  async (name, front) => {
    const word = wordOf(name)
    expect(front.prefix).toBe(`/${word}`)
    const { openFronts, rootFrontPorts } = readConfig({
      OPEN_FRONTS: word,
      [`ROOT_FRONT_${name}_PORT`]: '4999',
    })
    expect(openFronts).toEqual([name])
    expect(rootFrontPorts).toMatchObject({ [name]: 4999 })
    expect(catalogue.millrace_graphql_operations_total.labels.door).toContain(word)
    const page = await readFile(new URL(`../../docs/fronts/${word}.md`, import.meta.url), 'utf8')
    expect(page).toContain(front.prefix)
  },
)

const Info = graphql(`
  query FrontsInfo {
    serverInfo {
      fronts
    }
    __type(name: "Front") {
      enumValues {
        name
        description
      }
    }
  }
`)

test('the API knows the fronts that are built, and no other', async () => {
  const { serverInfo, __type } = await app.admin.request(Info)
  expect(serverInfo.fronts).toEqual(frontNames)
  expect(__type?.enumValues).toEqual(
    described.map(({ name, system }) => ({ name, description: `${system}.` })),
  )
  const pages = await readdir(new URL('../../docs/fronts/', import.meta.url))
  expect(pages.toSorted()).toEqual(frontNames.map((name) => `${wordOf(name)}.md`).toSorted())
})

test.each(described.map((front) => [front.name, front] as const))(
  '%s calls by their nouns what there is, and answers GET where it says so',
  (name, { nouns }) => {
    const routes = fronts.find((front) => front.name === name)?.routes ?? []
    const own = routes.filter(({ method }) => method === 'GET').map(({ path }) => anywhere(path))
    for (const [noun, word] of Object.entries(nouns)) {
      const { within = [] } = namingOf(noun)
      for (const of of [...placesIn(word), ...(word.of === undefined ? [] : [word.of])])
        expect(within, noun).toContain(of)
      if (word.path !== undefined) expect(own, noun).toContain(anywhere(word.path))
    }
  },
)

/** A path whose variable parts have no names. */
const anywhere = (path: string): string => path.replaceAll(/:\w+/g, ':any')

test.each(each)('%s tells in its own words of what is not there', async (_name, front) => {
  const { status, body } = front.tell(
    new Problem('NOT_FOUND', 'There is nothing at GET /is/nowhere.'),
    undefined,
  )
  const answer = await fetch(`${app.url}${front.prefix}/is/nowhere`, { headers: app.admin.headers })
  expect(answer.status).toBe(status)
  expect(await answer.text()).toBe(body)
})

/** As far as the tests read it. */
interface Documented {
  readonly paths: Record<string, Record<string, { readonly operationId: string }>>
  readonly components: { readonly schemas: object }
}

test.each(each)(
  '%s documents every route it has, by schemas that it has',
  async (_name, { prefix, routes, api }) => {
    const response = await fetch(app.url + prefix + api.path)
    const text = await response.text()
    const { paths, components } = JSON.parse(text) as Documented
    const ids = Object.values(paths).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    )
    expect(ids.toSorted()).toEqual(routes.map(({ about }) => about.id).toSorted())
    expect(new Set(ids).size).toBe(ids.length)
    const known = Object.keys(components.schemas).map((name) => `#/components/schemas/${name}`)
    for (const [, to] of text.matchAll(/"\$ref":"([^"]+)"/g)) expect(known).toContain(to)
  },
)

test('each page of a front loads nothing from elsewhere', async () => {
  for (const path of ['/docs', ...fronts.map(({ prefix }) => `${prefix}/docs`)]) {
    const page = await fetch(app.url + path)
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    const html = await page.text()
    expect(html).not.toMatch(/<(script|link|img|iframe)|src=|https?:\/\/(?!127\.0\.0\.1)/)
    for (const [, to = ''] of html.matchAll(/href="([^"]+)"/g)) {
      const target = await fetch(new URL(to.replaceAll('&#58;', ':'), app.url), {
        redirect: 'manual',
        headers: { accept: 'text/html' },
      })
      expect(target.status, to).toBeLessThan(400)
    }
  }
})

test('an open front lets whoever has no credential do what its role may, and no page of another site', async () => {
  const { organization } = await Abeja.of(app.admin)
  const anybody = new Abeja(`${app.url}/abeja`, organization, {})
  expect((await anybody.call('GET', '/deployments')).status).toBe(200)
  expect((await anybody.call('POST', '/deployments', { name: 'x' })).status).toBe(403)
  for (const headers of [
    { origin: 'https://elsewhere.example' },
    { 'sec-fetch-site': 'cross-site' },
  ] as Record<string, string>[])
    expect(await anybody.with({ headers }).call('GET', '/deployments')).toMatchObject({
      status: 403,
      body: { error: 'forbidden' },
    })
  // elsewhere it is closed
  expect((await fetch(`${app.url}/deployments/x/services/y`, { method: 'POST' })).status).toBe(401)
})

const Page = graphql(`
  query FrontsPage($first: Int) {
    deployments(first: $first) {
      totalCount
    }
  }
`)

test('the public API keeps its limits', async () => {
  const answer = await app.admin.execute(Page, { first: 101 })
  expect(answer.errors?.[0]?.message).toContain('from 1 to 100')
})

const counted = [
  'millrace_http_requests_total{route="/abeja/organizations/:organization/deployments",method="GET",status="2xx"}',
  'millrace_graphql_operations_total{door="abeja",kind="query",code="OK"}',
]

test('requests of a front are counted as what they are on the main port', async () => {
  const abeja = await Abeja.of(app.admin)
  await abeja.did('GET', '/deployments')
  // counted when the answer has left
  await until(async () => {
    const metrics = await fetch(`${app.url}/metrics`, { headers: app.admin.headers })
    const lines = (await metrics.text()).split('\n')
    return counted.every((start) => lines.some((line) => line.startsWith(start)))
  })
})

const Insert = `
  INSERT INTO "Deployment" (id, "organizationId", handle, "heldHandle", name, description, environment, creator)
  SELECT gen_random_uuid(), o.id, 'many-' || n, 'many-' || n, 'many ' || n, '', '[]', '{"kind":"SYSTEM","name":"test"}'
  FROM "Organization" AS o, generate_series(1, 2500) AS n WHERE o.handle = 'default'`

test('a list is complete however many pages it has, each object once and in order', async () => {
  const abeja = await Abeja.of(app.admin)
  await app.database.pool.query(Insert)
  const { entries } = await abeja.did('GET', '/deployments')
  const names = entries.map((one) => one['name'])
  expect(names).toEqual(Array.from({ length: 2500 }, (_, n) => `many ${n + 1}`))
})
