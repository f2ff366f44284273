import { afterAll, beforeAll, expect, test } from 'vitest'
import { networkOf } from '../../src/auth/network.ts'
import { hashPassword, matches } from '../../src/auth/passwords.ts'
import { Throttle } from '../../src/auth/throttle.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { Client } from '../../testkit/client.ts'
import { RevokeToken, Viewer } from '../../testkit/operations/organizations.ts'
import {
  AcceptInvitation,
  RemoveMember,
  SetMember,
  SignIn,
} from '../../testkit/operations/people.ts'
import { succeeded } from '../../testkit/outcome.ts'
import {
  invited,
  seedOrganization,
  seedPerson,
  signedIn,
} from '../../testkit/seed/organizations.ts'

let app: TestApp
let organizationId: string
let person: Awaited<ReturnType<typeof seedPerson>>
beforeAll(async () => {
  app = await testApp({ SIGN_IN_SECONDS: '3600', TRUST_PROXY: '1' })
  organizationId = (await seedOrganization(app)).id
  person = await seedPerson(app.admin, 'DEVELOPER', organizationId)
})
afterAll(() => app.close())

/** An operation over HTTP, with what else goes with it. */
async function post(
  query: { toString(): string },
  variables: object,
  headers: Record<string, string> = {},
) {
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query: query.toString(), variables }),
  })
  return {
    status: response.status,
    cookies: response.headers.getSetCookie(),
    body: await response.text(),
  }
}

test('a person signs in with e-mail and password, for a time, and out again', async () => {
  const { email, password } = person
  const { signIn } = await app.stranger.request(SignIn, {
    input: { email: ` ${email.toUpperCase()}`, password },
  })
  const { token, secret } = succeeded(signIn, 'SignInSuccess')
  expect(token.role).toBe('DEVELOPER')
  const left = Date.parse(token.expiresAt ?? '') - Date.now()
  expect(left).toBeGreaterThan(3_000_000)
  expect(left).toBeLessThan(3_700_000)
  const client = app.client(secret)
  expect((await client.request(Viewer)).viewer).toMatchObject({
    role: 'DEVELOPER',
    user: { email },
    token: { id: token.id },
    organization: { id: organizationId },
  })
  succeeded(
    (await client.request(RevokeToken, { input: { id: token.id } })).revokeToken,
    'RevokeTokenSuccess',
  )
  expect((await post(Viewer, {}, client.headers)).status).toBe(401)
})

test('one sign-in with one key makes one token, for whoever knows the password', async () => {
  const { email, password } = person
  const input = { email, password, idempotencyKey: 'one-sign-in', cookie: true }
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => post(SignIn, { input }, { origin: app.url })),
  )
  const [first] = answers
  expect(first?.body).toContain('"SignInSuccess"')
  expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
  expect(new Set(answers.map(({ cookies }) => cookies.join())).size).toBe(1)
  expect(first?.cookies).toHaveLength(1)

  const wrong = { ...input, password: 'another' }
  const { body, cookies } = await post(SignIn, { input: wrong }, { origin: app.url })
  expect(body).toContain('"UNAUTHENTICATED"')
  expect(cookies).toEqual([])
  const other = { ...input, organizationId }
  expect((await post(SignIn, { input: other }, { origin: app.url })).body).toContain('"Conflict"')
})

test('a wrong password, a person without one and nobody are answered alike', async () => {
  const without = { email: 'without@example.com', role: 'VIEWER' as const, organizationId }
  succeeded((await app.admin.request(SetMember, { input: without })).setMember, 'SetMemberSuccess')
  const answers = []
  for (const email of [person.email, without.email, 'nobody@example.com', 'a\u0000b'])
    answers.push(
      (await app.stranger.request(SignIn, { input: { email, password: 'wrong' } })).signIn,
    )
  expect(answers.slice(0, 3)).toEqual(
    Array.from({ length: 3 }, () => ({
      __typename: 'Unauthenticated',
      code: 'UNAUTHENTICATED',
      message: 'The e-mail or the password is wrong.',
    })),
  )
  expect(answers[3]?.__typename).toBe('ValidationError')
})

test('who tries too often is told when to come again, and nobody else is', async () => {
  const other = await seedPerson(app.admin, 'VIEWER', organizationId)
  const input = { email: other.email, password: 'wrong' }
  const answers = await Promise.all(
    Array.from({ length: 14 }, () => app.stranger.request(SignIn, { input })),
  )
  const names = answers.map(({ signIn }) => signIn.__typename).toSorted()
  expect(names.filter((name) => name === 'Unauthenticated')).toHaveLength(10)
  expect(names.filter((name) => name === 'QuotaReached')).toHaveLength(4)
  const { signIn } = await app.stranger.request(SignIn, {
    input: { ...input, password: other.password },
  })
  expect(signIn).toMatchObject({
    __typename: 'QuotaReached',
    retryAfterSeconds: expect.any(Number),
  })
  await signedIn(app.stranger, person)
})

test('with an organization the token is good for that one alone', async () => {
  const { id, admin } = await seedOrganization(app)
  const { code } = await invited(admin, person.email, 'ADMIN', id)
  const accepting = app.client((await signedIn(app.stranger, person)).secret)
  const { acceptInvitation } = await accepting.request(AcceptInvitation, { input: { code } })
  succeeded(acceptInvitation, 'AcceptInvitationSuccess')
  const both = app.client((await signedIn(app.stranger, person)).secret)
  expect((await both.request(Viewer)).viewer.memberships).toHaveLength(2)
  const named = { ...person, id: undefined, organizationId: id }
  const { email, password } = named
  const { signIn } = await app.stranger.request(SignIn, {
    input: { email, password, organizationId: id },
  })
  const one = app.client(succeeded(signIn, 'SignInSuccess').secret)
  expect((await one.request(Viewer)).viewer).toMatchObject({
    role: 'ADMIN',
    memberships: [{ role: 'ADMIN' }],
  })
  const foreign = await seedOrganization(app)
  const refused = await app.stranger.request(SignIn, {
    input: { email, password, organizationId: foreign.id },
  })
  expect(refused.signIn.__typename).toBe('Forbidden')
  await app.admin.request(RemoveMember, { input: { userId: person.id, organizationId: id } })
  expect((await post(Viewer, {}, one.headers)).status).toBe(401)
  expect((await both.request(Viewer)).viewer.memberships).toHaveLength(1)
})

test('a cookie is set for browsers, works like the token, and goes with the sign-out', async () => {
  const input = { email: person.email, password: person.password, cookie: true }
  const { cookies, body } = await post(SignIn, { input }, { origin: app.url })
  const { signIn } = (
    JSON.parse(body) as { data: { signIn: { secret: string; token: { id: string } } } }
  ).data
  expect(cookies).toEqual([
    `millrace=${signIn.secret}; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax`,
  ])
  const cookie = `other=1; millrace=${signIn.secret}`
  const own = { cookie, origin: app.url }
  expect(JSON.parse((await post(Viewer, {}, own)).body)).toMatchObject({
    data: { viewer: { token: { id: signIn.token.id } } },
  })
  // a header wins
  expect(JSON.parse((await post(Viewer, {}, { ...own, ...app.admin.headers })).body)).toMatchObject(
    {
      data: { viewer: { user: { email: 'admin' } } },
    },
  )
  const out = await post(RevokeToken, { input: { id: signIn.token.id } }, own)
  expect(out.cookies).toEqual(['millrace=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax'])
  const late = await post(Viewer, {}, own)
  expect(late).toMatchObject({ status: 401, cookies: out.cookies })
})

test('no page of another site signs anybody in, and no WebSocket sets a cookie', async () => {
  const input = { email: person.email, password: person.password, cookie: true }
  for (const [name, value] of [
    ['origin', 'https://evil.example'],
    ['sec-fetch-site', 'same-site'],
  ] as const) {
    const { cookies, body } = await post(SignIn, { input }, { [name]: value })
    expect(cookies).toEqual([])
    expect(body).toContain('"Forbidden"')
  }
  const socket = app.stranger.socket()
  try {
    const query = SignIn.toString()
    for await (const result of socket.iterate({ query, variables: { input } }))
      expect(result.data?.['signIn']).toMatchObject({
        __typename: 'ValidationError',
        issues: [{ path: ['cookie'] }],
      })
    for await (const result of socket.iterate({
      query,
      variables: { input: { ...input, cookie: false } },
    }))
      expect(result.data?.['signIn']).toMatchObject({ __typename: 'SignInSuccess' })
  } finally {
    await socket.dispose()
  }
})

test('a password is kept as a hash that says how it was made', async () => {
  const stored = await hashPassword('päss wörd', 'here')
  expect(stored).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$[\w+/]{22}\$[\w+/]{43}$/)
  // one of other parameters is checked with its own
  const cheap =
    '$scrypt$ln=4,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
  const composed = 'pa\u0308ss wo\u0308rd'
  expect(await matches(composed, [cheap, stored], 'here')).toEqual([false, true])
  expect(await matches('pass word', [stored], 'here')).toEqual([false])
  expect(await matches('', [], 'here')).toEqual([])
  await expect(matches('x', ['plain'], 'here')).rejects.toThrow('cannot be read')
})

test('so many hashings of one network wait for their turn, and another network has its own', async () => {
  const cheap = '$scrypt$ln=4,r=8,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
  const ended: string[] = []
  const hash = (network: string) =>
    matches('x', [cheap], network).then(() => void ended.push(network))
  const all = await Promise.allSettled([
    ...Array.from({ length: 60 }, () => hash('theirs')),
    hash('ours'),
  ])
  expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(13)
  expect(all.at(-1)?.status).toBe('fulfilled')
  expect(ended.indexOf('ours')).toBeLessThan(5) // it was next but one
  const many = Array.from({ length: 60 }, (_, n) => hash(`network ${n}`))
  const refused = (await Promise.allSettled(many)).filter(({ status }) => status === 'rejected')
  expect(refused).toHaveLength(8)
})

const known = () => Promise.resolve(['one'])
const unknown = (): Promise<readonly string[]> => Promise.resolve([])

test('failures are forgotten as time goes by, per network and per person in it', async () => {
  let now = 0
  const throttle = new Throttle(() => now)
  const attempt = (email: string, network: string) => throttle.attempt(email, { network }, unknown)
  for (let n = 0; n < 10; n += 1) await attempt('a', '1')
  await expect(attempt('a', '1')).rejects.toThrow('too often')
  ;(await attempt('a', '2')).withdraw() // strangers elsewhere shut nobody out
  now += 60_000
  await attempt('a', '1')
  await expect(attempt('a', '1')).rejects.toThrow('too often')
  for (let n = 0; n < 30; n += 1) await attempt(`name ${n}`, '3')
  await expect(attempt('other', '3')).rejects.toThrow('too often')
  now += 20_000
  await attempt('other', '3')
})

test('a success is no licence to try others', async () => {
  const throttle = new Throttle(() => 0)
  const attempt = () => throttle.attempt('a', { network: '1' }, unknown)
  for (let n = 0; n < 9; n += 1) await attempt()
  ;(await attempt()).withdraw()
  await attempt()
  await expect(attempt()).rejects.toThrow('too often')
})

test('who commands many networks tries few passwords of one person, who gets in from a known one', async () => {
  const throttle = new Throttle(() => 0)
  for (let n = 0; n < 100; n += 1) await throttle.attempt('a', { network: `bot ${n}` }, unknown)
  await expect(throttle.attempt('a', { network: 'new' }, unknown)).rejects.toThrow('too often')
  const tried = async (from: { network: string; session?: string }, look = unknown) => [
    ...((await throttle.attempt('a', from, look)).accounts ?? ['all']),
  ]
  expect(await tried({ network: 'home' }, known)).toEqual(['one'])
  expect(await tried({ network: 'new', session: 'own' })).toEqual(['own'])
  expect(await tried({ network: 'home', session: 'own' }, known)).toEqual(['own', 'one'])
  expect((await throttle.attempt('b', { network: 'new' }, unknown)).accounts).toBe(undefined)
})

test('the addresses of one subscriber are one network', () => {
  expect(networkOf('192.0.2.1')).toBe('192.0.2.1')
  for (const address of ['2001:db8::1', '2001:DB8:0:0:ffff::', '2001:0db8:0:0:1:2:192.0.2.1'])
    expect(networkOf(address)).toBe('2001:db8:0:0::/64')
  expect(networkOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
  expect(networkOf('::1')).toBe('0:0:0:0::/64')
})

test('a session is good for more attempts at the passwords of its own account, and of no other', async () => {
  const [ours, theirs] = [await seedOrganization(app), await seedOrganization(app)]
  const theirOwn = await seedPerson(theirs.admin, 'ADMIN', theirs.id)
  const { email } = theirOwn
  const account = { email, password: 'of ours alone' }
  const input = { ...account, role: 'WORKER' as const }
  succeeded((await ours.admin.request(SetMember, { input })).setMember, 'SetMemberSuccess')
  const session = app.client((await signedIn(app.stranger, account)).secret)
  const attempt = async (client: Client, password: string) =>
    (await client.request(SignIn, { input: { email, password } })).signIn.__typename
  const guesses = await Promise.all(
    Array.from({ length: 11 }, () => attempt(app.stranger, 'a guess')),
  )
  expect(guesses).toContain('QuotaReached')
  // strangers have used up their attempts: the password of the other account is no answer, right or wrong
  expect(await attempt(session, 'a guess')).toBe('Unauthenticated')
  expect(await attempt(session, theirOwn.password)).toBe('Unauthenticated')
  expect(await attempt(session, account.password)).toBe('SignInSuccess')
  for (let n = 0; n < 8; n += 1) expect(await attempt(session, 'a guess')).toBe('Unauthenticated')
  expect(await attempt(session, theirOwn.password)).toBe('QuotaReached')
  expect(await attempt(app.stranger, theirOwn.password)).toBe('QuotaReached')
})

test("a password is nobody's any more once every organization has another", async () => {
  const { id, admin } = await seedOrganization(app)
  const one = await seedPerson(app.admin, 'VIEWER', id) // by the administrator of the server: for all
  const attempt = async (password: string) =>
    (await app.stranger.request(SignIn, { input: { email: one.email, password } })).signIn
  const { email, password: before } = one
  const input = { email, role: 'VIEWER' as const, password: 'the one that is new' }
  succeeded((await admin.request(SetMember, { input })).setMember, 'SetMemberSuccess')
  expect((await attempt(before)).__typename).toBe('Unauthenticated')
  expect((await attempt(input.password)).__typename).toBe('SignInSuccess')
  const same = { ...input, password: before }
  succeeded((await admin.request(SetMember, { input: same })).setMember, 'SetMemberSuccess')
  expect((await attempt(before)).__typename).toBe('SignInSuccess')
})

/** A caller behind a proxy. */
class Proxied extends Client {
  readonly address: string
  constructor(url: string, address: string, token?: string) {
    super(url, token)
    this.address = address
  }
  override get headers() {
    return { ...super.headers, 'x-forwarded-for': this.address }
  }
}

test('wrong passwords of strangers shut nobody out who has signed in before', async () => {
  const { url } = app
  const organization = await seedOrganization(app)
  const other = await seedPerson(organization.admin, 'VIEWER', organization.id)
  const [home, theirs] = [new Proxied(url, '192.0.2.1'), new Proxied(url, '192.0.2.66')]
  const { secret } = await signedIn(home, other)
  const input = { email: other.email, password: 'wrong' }
  const guesses = await Promise.all(
    Array.from({ length: 13 }, () => theirs.request(SignIn, { input })),
  )
  expect(guesses.map(({ signIn }) => signIn.__typename)).toContain('QuotaReached')
  // the session goes on, and the person signs in: at home, and by the session even there where the strangers are
  expect((await app.client(secret).request(Viewer)).viewer.role).toBe('VIEWER')
  await signedIn(home, other)
  await signedIn(new Proxied(url, theirs.address, secret), other)
})
