import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { CreateDeployment, DeleteDeployment } from '../../testkit/operations/deployments.ts'
import {
  Activities,
  CreateOrganization,
  CreateToken,
  RevokeToken,
  Viewer,
} from '../../testkit/operations/organizations.ts'
import { member, seedOrganization, seedToken } from '../../testkit/seed/organizations.ts'
import { runningService } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp()
})
afterAll(() => app.close())

const Lists = graphql(`
  query AccessLists {
    deployments {
      totalCount
    }
    services {
      totalCount
    }
  }
`)
const One = graphql(`
  query AccessOne($id: ID!) {
    deployment(id: $id) {
      id
    }
    service(id: $id) {
      id
    }
    node(id: $id) {
      id
    }
  }
`)
const Tokens = graphql(`
  query AccessTokens {
    viewer {
      organization {
        tokens {
          nodes {
            id
          }
        }
      }
    }
  }
`)
const Reveal = graphql(`
  query AccessReveal($id: ID!) {
    deployment(id: $id) {
      environment {
        name
        isSecret
        value
        shown: value(reveal: true)
      }
    }
  }
`)

const codes = (answer: { errors?: readonly { extensions?: Record<string, unknown> }[] }) => [
  ...new Set(answer.errors?.map(({ extensions }) => extensions?.code)),
]

test('without a credential nothing is answered and nothing is done', async () => {
  const input = { name: 'mine' }
  const answers = [
    await app.stranger.execute(Viewer),
    await app.stranger.execute(Lists),
    await app.stranger.execute(One, { id: 'anything' }),
    await app.stranger.execute(Activities, { first: 1 }),
    await app.stranger.execute(CreateDeployment, { input }),
    await app.stranger.execute(DeleteDeployment, { input: { id: 'anything' } }),
  ]
  for (const answer of answers) expect(codes(answer)).toEqual(['UNAUTHENTICATED'])
})

test('an unknown token is refused with 401 by every door', async () => {
  const headers = { authorization: 'Bearer mrt_unknown' }
  const paths = [
    '/graphql',
    '/deployments/dep_x/services/svc_x',
    '/deployments/dep_x/services/svc_x/more',
  ]
  for (const path of paths) {
    const body = JSON.stringify({ query: '{ viewer { role } }' })
    const response = await fetch(app.url + path, { method: 'POST', headers, body })
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject(
      path === '/graphql'
        ? { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] }
        : { type: 'about:blank', status: 401, title: 'Unauthorized', code: 'UNAUTHENTICATED' },
    )
  }
})

test('a token works as the password of Basic, and in a WebSocket', async () => {
  const basic = `Basic ${Buffer.from(`anybody:${app.admin.token}`).toString('base64')}`
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { authorization: basic, 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ viewer { user { email } } }' }),
  })
  expect(await response.json()).toMatchObject({
    data: { viewer: { user: { email: expect.any(String) } } },
  })
  const socket = app.admin.socket()
  try {
    for await (const result of socket.iterate({ query: Viewer.toString() }))
      expect(result.errors).toBe(undefined)
  } finally {
    await socket.dispose()
  }
})

test('each role may do what it is for, and no more', async () => {
  const { id: organizationId, admin } = await seedOrganization(app)
  const secret = { name: 'KEY', value: 'hidden', isSecret: true }
  const made = await admin.request(CreateDeployment, {
    input: { name: 'kept', environment: [secret, { name: 'PLAIN', value: 'open' }] },
  })
  const id =
    made.createDeployment.__typename === 'CreateDeploymentSuccess'
      ? made.createDeployment.deployment.id
      : ''
  const [developer, viewer, worker] = [
    await member(app, organizationId, 'DEVELOPER'),
    await member(app, organizationId, 'VIEWER'),
    await member(app, organizationId, 'WORKER'),
  ]

  expect((await developer.request(Reveal, { id })).deployment?.environment).toEqual([
    { name: 'KEY', isSecret: true, value: null, shown: 'hidden' },
    { name: 'PLAIN', isSecret: false, value: 'open', shown: 'open' },
  ])
  expect(codes(await viewer.execute(Reveal, { id }))).toEqual(['FORBIDDEN'])
  expect((await viewer.request(One, { id })).deployment).toEqual({ id })
  expect((await worker.request(One, { id })).deployment).toBe(null)

  const input = { name: 'theirs' }
  const asRole = async (client: typeof viewer) =>
    (await client.request(CreateDeployment, { input })).createDeployment
  expect(await asRole(developer)).toMatchObject({ __typename: 'CreateDeploymentSuccess' })
  expect(await asRole(viewer)).toMatchObject({ __typename: 'Forbidden', code: 'FORBIDDEN' })
  expect(await asRole(worker)).toMatchObject({ __typename: 'Forbidden' })
  expect(
    (await viewer.request(DeleteDeployment, { input: { id } })).deleteDeployment.__typename,
  ).toBe('Forbidden')

  const token = { name: 'more', role: 'VIEWER' as const }
  for (const client of [developer, viewer, worker]) {
    const { createToken } = await client.request(CreateToken, { input: token })
    expect(createToken.__typename).toBe('Forbidden')
    expect(codes(await client.execute(Tokens))).toEqual(['FORBIDDEN'])
    const { createOrganization } = await client.request(CreateOrganization, {
      input: { name: 'x' },
    })
    expect(createOrganization.__typename).toBe('Forbidden')
  }
})

test('a token ends when it is revoked, when it expires, and is shown once', async () => {
  const { id: organizationId, admin } = await seedOrganization(app)
  const { secret, token } = await seedToken(app.admin, organizationId, 'VIEWER')
  const client = app.client(secret)
  expect((await client.request(Viewer)).viewer).toMatchObject({
    role: 'VIEWER',
    user: null,
    token: { id: token.id },
  })
  const { viewer } = await admin.request(Tokens)
  expect(viewer.organization.tokens.nodes).toContainEqual({ id: token.id })

  const first = (await admin.request(RevokeToken, { input: { id: token.id } })).revokeToken
  expect(first).toMatchObject({
    __typename: 'RevokeTokenSuccess',
    token: { revokedAt: expect.any(String) },
  })
  expect((await admin.request(RevokeToken, { input: { id: token.id } })).revokeToken).toEqual(first)
  const refused = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: client.headers,
    body: '{}',
  })
  expect(refused.status).toBe(401)

  const soon = await seedToken(
    app.admin,
    organizationId,
    'VIEWER',
    new Date(Date.now() + 1_500).toISOString(),
  )
  await until(async () => {
    const body = JSON.stringify({ query: '{ viewer { role } }' })
    const headers = { ...app.client(soon.secret).headers, 'content-type': 'application/json' }
    return (await fetch(`${app.url}/graphql`, { method: 'POST', headers, body })).status === 401
  })
  const past = {
    name: 'late',
    role: 'VIEWER' as const,
    organizationId,
    expiresAt: '2020-01-01T00:00:00Z',
  }
  expect((await app.admin.request(CreateToken, { input: past })).createToken).toMatchObject({
    __typename: 'ValidationError',
    issues: [{ path: ['expiresAt'] }],
  })
})

test('a VIEWER calls services; whoever brings nothing, or only claims jobs, does not', async () => {
  const { id: organizationId, admin } = await seedOrganization(app)
  const files = { 'main.mjs': "export const handler = () => new Response('yes')" }
  const { invokeUrl } = await runningService(admin, files, { image: 'node' })
  const statusFor = async (headers: Record<string, string>) =>
    (await fetch(invokeUrl, { headers })).status
  expect(await statusFor((await member(app, organizationId, 'VIEWER')).headers)).toBe(200)
  expect(await statusFor({})).toBe(401)
  expect(await statusFor((await member(app, organizationId, 'WORKER')).headers)).toBe(404)
})
