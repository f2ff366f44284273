import { randomUUID } from 'node:crypto'
import { getNamedType } from 'graphql'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { schema } from '../../src/schema.ts'
import type { TestApp } from '../../testkit/app.ts'
import type { Client } from '../../testkit/client.ts'
import {
  fieldsOf,
  isConnection,
  nodeTypes,
  objectTypes,
  selectionOf,
} from '../../testkit/selection.ts'
import { freshSeed, isSoak, random, someOf } from '../../testkit/random.ts'
import { until } from '../../testkit/until.ts'
import { ask, operationAt } from './tenancy/ask.ts'
import {
  doorsOf,
  isAbeja,
  isTopchef,
  knock,
  pathTo,
  signatureFor,
  typesIn,
  type Route,
} from './tenancy/doors.ts'
import { cursorsOf, firstOf } from './tenancy/streams.ts'
import { positionsOf, titleOf, type Own, type Position } from './tenancy/positions.ts'
import { send, succeed } from './tenancy/send.ts'
import {
  abejaNameOf,
  leaks,
  namesLike,
  said,
  spellingsOf,
  topchefNameOf,
  wordsOf,
  type Spelling,
} from './tenancy/spellings.ts'
import { everything, type Tenant } from './tenancy/tenant.ts'
import { twoTenants } from './tenancy/two.ts'
import { photograph } from './tenancy/photograph.ts'

/*
 * An organization sees, names, changes, calls, follows, pages and counts nothing of another: generated over the
 * schema and the routes. Every text of `theirs` holds a word that nothing else does. In a soak every caller asks
 * everywhere, by every name; in the suite an ADMIN and another one ask everywhere, by some names.
 */

const routes = vi.hoisted(() => [] as { method: string | string[]; url: string }[])
vi.mock(import('fastify'), async (load) => {
  const real = await load()
  const watched = (options: object) => {
    const http = real.default(options)
    http.addHook('onRoute', ({ method, url }) => void routes.push({ method, url }))
    return http
  }
  return { ...real, default: watched as typeof real.default }
})

const queries = Object.values(schema.getQueryType()?.getFields() ?? {})
const mutations = Object.values(schema.getMutationType()?.getFields() ?? {})
const subscriptions = Object.values(schema.getSubscriptionType()?.getFields() ?? {})
const ids = (fields: readonly Position['field'][]) =>
  fields.flatMap((field) => positionsOf(field, 'ID'))

let app: TestApp
let theirs: Tenant
let ours: Tenant
let spellings: readonly Spelling[]
/** All callers but those of `theirs`. */
let callers: [string, Client][]
let own: Own
let before: string
let chance: () => number
beforeAll(async () => {
  chance = random(freshSeed())
  ;({ app, theirs, ours, own } = await twoTenants())
  spellings = spellingsOf(theirs, ours)
  callers = [...Object.entries(ours.viewers), ['nobody', app.stranger]]
  before = await photograph(app, theirs)
})
afterAll(() => app.close())

/** Each caller at the same time as the others. */
const byAll = (
  work: (who: string, client: Client) => Promise<void>,
  some: readonly [string, Client][] = callers,
) => Promise.all(some.map(([who, client]) => work(who, client)))

/** Those who ask at one place: an ADMIN and another one, of whom the first comes furthest. */
const bySome = (work: (who: string, client: Client) => Promise<void>) => {
  const [admin, ...others] = callers
  return byAll(work, [...(admin === undefined ? [] : [admin]), ...someOf(others, 1, chance)])
}

test('every type that is found by id has an object in each organization', () => {
  expect(Object.keys(theirs.ids).toSorted()).toEqual(nodeTypes.map(({ name }) => name).toSorted())
})

test('what one reads without naming anything holds nothing foreign', async () => {
  const control = JSON.stringify(await everything(theirs.viewers.ADMIN, ours, theirs))
  expect(leaks(control, theirs)).toHaveLength(nodeTypes.length + 1)
  await bySome(async (name, client) => {
    const answer = await everything(client, ours, theirs)
    expect(leaks(JSON.stringify(answer), theirs), name).toEqual([])
  })
})

test('no field below the root takes an id', () => {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
  const below = objectTypes.filter((type) => !roots.includes(type))
  // the filter of a service's jobs is that of Query.jobs, which is asked below
  const others = ids(below.flatMap(fieldsOf)).filter(({ path }) => path[0] !== 'filter')
  expect(others.map(titleOf)).toEqual([]) // or this file must learn to call it
})

/**
 * How names are read is the same for all callers, so one of them asks by all there are, and the others by canonical ids
 * or, where it is known, by those that mean something at the place.
 */
const namesFor = (who: string, meant = canonical()) =>
  someOf(who === 'ADMIN' ? spellings : meant, 1, chance)

const canonical = () => spellings.slice(0, nodeTypes.length)

/** Asks by names of theirs and by names of nothing, in one operation where it can be, and compares. */
async function compare(
  position: Position,
  client: Client,
  who: string,
  names: readonly Spelling[] = namesFor(who),
): Promise<string[]> {
  // whoever signs in is somebody by then
  const isNobody = client === app.stranger && position.field.name !== 'signIn'
  const asked = names.flatMap(({ foreign, absent }) => [foreign, absent])
  const answers = await ask(client, position, asked, own)
  const foreign = answers.filter((_, n) => n % 2 === 0)
  const absent = answers.filter((_, n) => n % 2 === 1)
  return names.map((spelling, n) => {
    const what = `${titleOf(position)} of ${spelling.foreign} by ${who}`
    const answer = said(foreign[n] ?? '', spelling.foreign)
    expect(answer, what).toBe(said(absent[n] ?? '', spelling.absent))
    expect(leaks(answer, theirs), what).toEqual([])
    if (position.path.at(-1) === 'organizationId')
      expect(answer, what).toContain(isNobody ? '"UNAUTHENTICATED"' : '"FORBIDDEN"')
    return answer
  })
}

test('a query by a foreign id is answered like one by the id of nothing', async () => {
  for (const position of ids(queries)) {
    const names = isSoak ? spellings : canonical()
    const values = names.map(({ foreign }) => foreign)
    const beside = titleOf(position) === 'route(deploymentId)' ? theirs.ids['Route'] : own['id']
    const control = await ask(theirs.viewers.ADMIN, position, values, {
      ...own,
      id: beside ?? '',
    })
    const meant = names.filter((_, n) => leaks(control[n] ?? '', theirs).length > 0)
    expect(meant, titleOf(position)).not.toEqual([])
    await bySome(async (who, client) => {
      await compare(position, client, who, namesFor(who, meant))
    })
  }
})

test('a mutation of what is foreign is answered like one of nothing', async () => {
  for (const position of ids(mutations)) {
    if (position.field.name === 'signIn') {
      // hashing takes its time and attempts are counted: here only an organization is named, by who is nobody yet
      const names = spellings.filter(({ foreign }) => /^org_|organization$/.test(foreign))
      await compare(position, app.stranger, 'nobody', names)
      continue
    }
    await bySome(async (who, client) => {
      const answers = await compare(position, client, who)
      if (who !== 'ADMIN') return
      // whatever else it checks, it gets as far as the object
      for (const answer of answers)
        expect(answer, titleOf(position)).toMatch(
          passedOver[position.field.name] ?? /"__typename":"(NotFound|Forbidden)"/,
        )
    })
  }
})

/** Where a worker names many jobs, what is not there is one that it has lost, or is left out. */
const passedOver: Readonly<Record<string, RegExp>> = {
  heartbeatJobs: /_isHeld":false/,
  releaseJobs: /_jobs":\[\]|"NotFound"/,
}

test('what a list is asked about in words of theirs finds nothing', async () => {
  const texts = queries
    .flatMap((field) => positionsOf(field, 'String'))
    .filter(({ path }) => !isCursor(path))
  for (const position of texts)
    await bySome(async (who, client) => {
      await compare(position, client, who, someOf(wordsOf(theirs), 2, chance))
    })
})

const isCursor = (path: readonly string[]): boolean => path[0] === 'after' || path[0] === 'before'

test('a cursor of a foreign list pages through nothing foreign', async () => {
  const cursors = await cursorsOf(theirs)
  expect(cursors.length).toBeGreaterThan(4)
  for (const field of queries.filter(isConnection))
    for (const path of [['after'], ['before']])
      for (const answer of await ask(
        ours.viewers.ADMIN,
        { field, path },
        someOf(cursors, 1, chance),
        own,
      ))
        expect(leaks(answer, theirs), titleOf({ field, path })).toEqual([])
  for (const type of nodeTypes)
    for (const { name, type: page } of fieldsOf(type).filter(isConnection)) {
      const selection = selectionOf(getNamedType(page), { objects: 1, connections: 0 })
      for (const way of someOf(['after', 'before'], 1, chance)) {
        const query = `query ($id: ID!, $cursor: String) {
          node(id: $id) { ... on ${type.name} { ${name}(${way}: $cursor) ${selection} } } }`
        await Promise.all(
          someOf(cursors, 1, chance).map(async (cursor) => {
            const variables = { id: ours.ids[type.name], cursor }
            const answer = await send(ours.viewers.ADMIN, query, variables)
            expect(answer.data ?? answer.errors, query).toBeTruthy()
            expect(leaks(JSON.stringify(answer), theirs), `${type.name}.${name}`).toEqual([])
          }),
        )
      }
    }
})

test('no subscription follows what is foreign, whatever cursor is brought', async () => {
  const ways = [undefined, 'start', ...(await cursorsOf(theirs))]
  for (const position of ids(subscriptions))
    await bySome(async (who, client) => {
      // one of them with every cursor
      const afters = someOf([...(who === 'ADMIN' ? ways : ways.slice(0, 3)).entries()], 2, chance)
      // handles and addresses without a cursor only
      const asked = afters.map(([n, after]) => ({ after, names: namesFor(n === 0 ? who : 'any') }))
      const socket = client.socket()
      const ask = async (name: string, after: string | undefined) => {
        const { query, variables } = operationAt(position, [name], own, { after })
        return said(await firstOf(socket, query, variables), name)
      }
      try {
        for (const { after, names } of asked)
          await Promise.all(
            names.map(async ({ foreign, absent }) => {
              const what = `${titleOf(position)} of ${foreign} after ${after} by ${who}`
              const answer = await ask(foreign, after)
              expect(answer, what).toBe(await ask(absent, after))
              expect(leaks(answer, theirs), what).toEqual([])
            }),
          )
      } finally {
        await socket.dispose()
      }
    })
})

/** The path of a route with this name in one of its places, and with names of ours in the others. */
function pathWith(route: Route, place: number, name: string): string {
  const own = isAbeja(route) ? ours.abeja : ours.ids
  const ownName = (type: string) =>
    isTopchef(route) ? topchefNameOf(ours, type).foreign : (own[type] ?? '')
  const names = typesIn(route).map((type, at) => (at === place ? name : ownName(type)))
  return pathTo(route, names) + signatureFor(route, ours)
}

test('no door of HTTP opens to what is foreign', async () => {
  expect(routes.length).toBeGreaterThan(8)
  for (const route of doorsOf(routes)) {
    const types = typesIn(route)
    // any of its parts may be the foreign one
    const named = types.flatMap((type, place) =>
      namesOf(route, type).map((spelling, nth) => {
        const [foreign, absent] = [spelling.foreign, spelling.absent].map((name) =>
          pathWith(route, place, name),
        )
        return { spelling, nth, foreign: foreign ?? '', absent: absent ?? '' }
      }),
    )
    const work = async (who: string, client: Client) => {
      const what = `${route.method} ${route.url} by ${who}`
      if (types.length === 0)
        expect(leaks(await knock(client, route.method, route.url), theirs), what).toEqual([])
      const asked = named.filter(({ nth }) => nth === 0 || who === 'ADMIN')
      for (const { spelling, foreign, absent } of someOf(asked, 1, chance)) {
        const answer = said(await knock(client, route.method, foreign), spelling.foreign)
        expect(answer, `${what}: ${foreign}`).toBe(
          said(await knock(client, route.method, absent), spelling.absent),
        )
        expect(leaks(answer, theirs), what).toEqual([])
      }
    }
    await byAll(work, someOf(callers, 1, chance))
  }
})

/** The names of their object of a type, for a place in a path. */
const namesOf = (route: Route, type: string): Spelling[] =>
  isAbeja(route)
    ? [abejaNameOf(theirs, type)]
    : isTopchef(route)
      ? [topchefNameOf(theirs, type)]
      : spellings.filter(({ foreign }) => foreign === theirs.ids[type] || !/^[a-z]+_/.test(foreign))

test('nothing of theirs has changed', async () => {
  expect(await photograph(app, theirs)).toBe(before)
})

test('a name, an address or a key of theirs is as free as one of nothing', async () => {
  const makers = mutations.filter(({ name }) => name.startsWith('create') || name === 'setMember')
  for (const position of makers.flatMap((field) => positionsOf(field, 'String'))) {
    const noun = position.field.name.replace('create', '').toLowerCase()
    const spelling = namesLike(theirs, noun)[position.path.at(-1) ?? '']
    if (spelling === undefined) continue // of what need not be one of a kind
    const { foreign, absent } = spelling
    const answers: string[] = []
    for (const name of [foreign, absent])
      answers.push(
        ...(await ask(ours.viewers.ADMIN, position, [name], { ...own, label: randomUUID() })),
      )
    const outcomes = answers.map((answer) => /"__typename":"(\w+)"/.exec(answer)?.[1])
    expect(outcomes[0], titleOf(position)).toBe(outcomes[1])
    expect(outcomes[0], titleOf(position)).toMatch(/Success$|Forbidden/)
    expect(leaks(said(answers[0] ?? '', foreign), theirs), titleOf(position)).toEqual([])
  }
})

const rename = ({ viewers, ids, word }: Tenant) =>
  succeed(viewers.ADMIN, 'updateProject', { id: ids['Project'], name: `${word} again` }, 'replayed')

test('what happens elsewhere reaches no subscription', async () => {
  const socket = ours.viewers.ADMIN.socket()
  const query = `subscription ($filter: ActivityFilter, $after: String) {
    organizationChanged(filter: $filter, after: $after) { cursor activities { subjectId } } }`
  const filters = [undefined, { subjectIds: Object.values(theirs.ids) }, { actors: [theirs.word] }]
  const seen: string[] = []
  const id = ours.ids['Project'] ?? ''
  const following = filters.map(async (filter) => {
    for await (const { data, errors } of socket.iterate({ query, variables: { filter } })) {
      seen.push(JSON.stringify({ data, errors }))
    }
  })
  try {
    await until(() => seen.length >= filters.length)
    await rename(theirs)
    await rename(ours)
    await until(() => seen.some((text) => text.includes(id)))
  } finally {
    await socket.dispose()
    await Promise.allSettled(following)
  }
  expect(leaks(seen.join(), theirs)).toEqual([])
})

test('no door of HTTP opens to a WORKER, but to what its organization is called', async () => {
  const reading = doorsOf(routes).filter(
    ({ method, url }) => method === 'GET' && !/^\/(uploads|archives)/.test(url),
  )
  for (const route of reading) {
    const names = typesIn(route).map((type) => namesOfOurs(route, type))
    const answer = await knock(ours.viewers['WORKER'] ?? app.stranger, 'GET', pathTo(route, names))
    if (route.url.endsWith('/organizations/:organization')) continue
    expect(leaks(names.reduce(said, answer), ours), route.url).toEqual([])
  }
})

/** What an object of ours is called in a place of a path. */
const namesOfOurs = (route: Route, type: string): string =>
  isTopchef(route)
    ? topchefNameOf(ours, type).foreign
    : ((isAbeja(route) ? ours.abeja : ours.ids)[type] ?? '')
