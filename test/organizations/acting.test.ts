import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { CreateOrganization, CreateToken, Viewer } from '../../testkit/operations/organizations.ts'
import { AcceptInvitation, RemoveMember, SetMember } from '../../testkit/operations/people.ts'
import { JobsChanged } from '../../testkit/operations/streams.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { read, submit } from '../../testkit/seed/jobs.ts'
import {
  invited,
  seedOrganization,
  seedPerson,
  signedIn,
} from '../../testkit/seed/organizations.ts'
import { until } from '../../testkit/until.ts'
import { basic, choosing, type Owned, owned, Project, Service } from './same-names.ts'

const Whose = graphql(`
  query NamesWhose {
    viewer {
      organization {
        handle
      }
      memberships {
        organization {
          handle
        }
      }
    }
    services {
      nodes {
        id
      }
    }
  }
`)

let app: TestApp
let acme: Owned
let beta: Owned
beforeAll(async () => {
  app = await testApp()
  acme = await owned(app.admin, 'acme')
  beta = await owned(app.admin, 'beta')
})
afterAll(() => app.close())

test('the user name of Basic says in which organization a caller acts, by handle, id or address', async () => {
  for (const [owner, names] of [
    [acme, ['acme', acme.id, 'abeja:acme']],
    [beta, ['beta', beta.id, 'abeja:beta']],
  ] as const)
    for (const name of names) {
      const caller = choosing(app, name)
      expect((await caller.request(Service, { id: 'echo' })).service).toMatchObject({
        id: owner.echo,
      })
      const { viewer, services } = await caller.request(Whose)
      const organization = { handle: owner === acme ? 'acme' : 'beta' }
      expect(viewer).toEqual({ organization, memberships: [{ organization }] })
      const listed = services.nodes.map(({ id }) => id)
      expect([acme.echo, beta.echo].filter((id) => listed.includes(id))).toEqual([owner.echo])
      const { id } = await submit(caller, 'echo')
      expect((await read(caller, id)).service.id).toBe(owner.echo)
    }
  const stranger = await choosing(app, 'acme').request(Service, { id: beta.echo })
  expect(stranger.service).toBe(null)
})

test('a WebSocket acts in the organization that its credential names', async () => {
  const socket = choosing(app, 'beta').socket()
  try {
    const query = Service.toString()
    for await (const result of socket.iterate({ query, variables: { id: 'echo' } }))
      expect(result).toMatchObject({ data: { service: { id: beta.echo } } })
  } finally {
    await socket.dispose()
  }
})

test('whoever acts in one organization does not administer the server', async () => {
  const input = { name: 'gamma', handle: 'gamma' }
  const { createOrganization } = await choosing(app, 'acme').request(CreateOrganization, { input })
  expect(createOrganization).toMatchObject({ code: 'FORBIDDEN' })
})

test('a password that is set while acting in one organization is good for that one', async () => {
  const [ours, theirs] = [await seedOrganization(app), await seedOrganization(app)]
  const person = await seedPerson(app.admin, 'VIEWER', ours.id)
  const { secret } = await signedIn(app.stranger, person)
  const { code } = await invited(theirs.admin, person.email, 'VIEWER', theirs.id)
  const { acceptInvitation } = await app
    .client(secret)
    .request(AcceptInvitation, { input: { code } })
  succeeded(acceptInvitation, 'AcceptInvitationSuccess')
  const input = { email: person.email, role: 'VIEWER' as const, password: 'of ours alone' }
  const { setMember } = await choosing(app, ours.id, secret).request(SetMember, { input })
  succeeded(setMember, 'SetMemberSuccess')
  const placesBy = async (password: string) => {
    const one = await signedIn(app.stranger, { email: person.email, password })
    const { viewer } = await app.client(one.secret).request(Viewer)
    return viewer.memberships.map(({ organization }) => organization.id)
  }
  expect(await placesBy(input.password)).toEqual([ours.id])
  expect(await placesBy(person.password)).toEqual([theirs.id])
  // and so it is with an invitation that is accepted there
  const third = await seedOrganization(app)
  const other = await invited(third.admin, person.email, 'VIEWER', third.id)
  const refused = await choosing(app, theirs.id, secret).request(AcceptInvitation, {
    input: { code: other.code },
  })
  expect(refused.acceptInvitation).toMatchObject({ issues: [{ path: ['password'] }] })
})

test('no organization is called what a user name says nothing by', async () => {
  for (const handle of ['any', 'anybody', 'token', 'x'])
    for (const input of [{ name: 'New', handle }, { name: handle }])
      expect(
        (await app.admin.request(CreateOrganization, { input })).createOrganization,
      ).toMatchObject({ __typename: 'ValidationError', issues: [{ path: ['handle'] }] })
})

test('a user name that is no organization of the caller is Forbidden, there or not; some say nothing', async () => {
  const { admin } = await seedOrganization(app)
  const status = async (name: string, token = app.admin.token) => {
    const headers = { authorization: basic(name, token) }
    const answers = await Promise.all(
      ['/topchef/services', '/abeja/organizations/1/deployments', '/routes/none'].map(
        async (path) => (await fetch(app.url + path, { headers })).status,
      ),
    )
    return answers
  }
  const silent = ['any', 'anybody', 'token', 'x', '', 'ann@example.com', 'user-1234567890123']
  for (const name of silent) {
    expect(await status(name), name).toEqual([200, 403, 404])
    expect(await status(name, admin.token), name).toEqual([200, 403, 404])
  }
  // the admin is called so
  expect(await status('admin')).toEqual([200, 403, 404])
  for (const name of ['acme', acme.id, 'nosuch', 'abeja:acme', '1000000000000'])
    expect(await status(name, admin.token), name).toEqual([403, 403, 403])
  expect(await status('acmee')).toEqual([403, 403, 403])
  const { errors } = await choosing(app, 'acmee').execute(Whose)
  expect(errors).toMatchObject([
    { message: expect.stringContaining('"acmee"'), extensions: { code: 'FORBIDDEN' } },
  ])
})

test('a token of a project acts in its project under the name of its organization, and nowhere under another', async () => {
  const { createToken } = await app.admin.request(CreateToken, {
    input: { name: 'p', role: 'DEVELOPER', projectId: acme.lab },
  })
  const { secret } = succeeded(createToken, 'CreateTokenSuccess')
  const own = await choosing(app, 'acme', secret).request(Project, { id: 'lab' })
  expect(own.project).toEqual({ id: acme.lab })
  const { errors } = await choosing(app, 'beta', secret).execute(Project, { id: 'lab' })
  expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
})

test('TopChef makes what is new in the organization that the base URL names', async () => {
  const response = await fetch(`${app.url}/topchef/services`, {
    method: 'POST',
    headers: { authorization: basic('beta', app.admin.token), 'content-type': 'application/json' },
    body: JSON.stringify({
      name: 'new',
      description: '',
      job_registration_schema: {},
      job_result_schema: {},
    }),
  })
  expect(response.status).toBe(201)
  const id = `topchef:${response.headers.get('location')?.split('/').at(-1)}`
  expect((await choosing(app, 'acme').request(Service, { id })).service).toBe(null)
  expect((await choosing(app, 'beta').request(Service, { id })).service).not.toBe(null)
})

test('a socket that acts in one organization closes when its person leaves that one, and no other does', async () => {
  const password = 'correct horse'
  const input = { email: 'boss@example.com', role: 'ADMIN' as const, organizationId: acme.id }
  await app.admin.request(SetMember, { input: { ...input, password } })
  const userId = (await app.admin.request(Viewer)).viewer.user?.id ?? ''
  const closed: string[] = []
  const open = async (name: string) => {
    const socket = choosing(app, name).socket()
    socket.on('closed', () => closed.push(name))
    const variables = { serviceIds: ['echo'], after: 'start' }
    const results = socket.iterate({ query: JobsChanged.toString(), variables })
    expect(await results.next()).toMatchObject({ value: { data: { jobsChanged: {} } } })
    return socket
  }
  const sockets = [await open('acme'), await open('beta')]
  const place = { organizationId: acme.id, userId }
  await app.admin.request(RemoveMember, { input: place })
  await until(() => closed.includes('acme'))
  expect(closed).toEqual(['acme'])
  const { errors } = await choosing(app, 'acme').execute(Whose)
  expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
  expect((await app.admin.request(Service, { id: 'echo' })).service).toMatchObject({
    id: beta.echo,
  })
  for (const socket of sockets) await socket.dispose()
})
