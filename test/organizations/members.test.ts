import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import type { Client } from '../../testkit/client.ts'
import { Activities, Viewer } from '../../testkit/operations/organizations.ts'
import {
  AcceptInvitation,
  LeaveOrganization,
  RemoveMember,
  SetMember,
  SignIn,
} from '../../testkit/operations/people.ts'
import { succeeded } from '../../testkit/outcome.ts'
import {
  invited,
  member,
  PASSWORD,
  seedOrganization,
  seedPerson,
  signedIn,
} from '../../testkit/seed/organizations.ts'
import { graphql } from '../../testkit/generated/index.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp()
})
afterAll(() => app.close())

const Members = graphql(`
  query MembersOf($first: Int!, $after: String) {
    viewer {
      organization {
        id
        members(first: $first, after: $after) {
          totalCount
          nodes {
            role
            user {
              id
              email
              name
            }
            organization {
              id
            }
          }
          pageInfo {
            endCursor
            hasNextPage
          }
        }
      }
    }
  }
`)
const Node = graphql(`
  query MembersNode($id: ID!) {
    node(id: $id) {
      id
      ... on User {
        email
      }
    }
  }
`)

const membersOf = async (client: typeof app.admin) =>
  (await client.request(Members, { first: 100 })).viewer.organization.members.nodes.map(
    ({ role, user }) => `${user.email} ${role}`,
  )

test('people are added, listed in pages, given another role and removed', async () => {
  const { id: organizationId, admin } = await seedOrganization(app)
  const one = await seedPerson(app.admin, 'VIEWER', organizationId)
  const two = await seedPerson(admin, 'DEVELOPER', organizationId)
  expect(await membersOf(admin)).toEqual([
    'admin ADMIN',
    `${one.email} VIEWER`,
    `${two.email} DEVELOPER`,
  ])
  const page = await admin.request(Members, { first: 2 })
  expect(page.viewer.organization.members).toMatchObject({
    totalCount: 3,
    pageInfo: { hasNextPage: true },
  })
  const after = page.viewer.organization.members.pageInfo.endCursor
  const rest = (await admin.request(Members, { first: 2, after })).viewer.organization.members.nodes
  expect(rest.map(({ user }) => user.email)).toEqual([two.email])
  expect((await admin.request(Node, { id: one.id })).node).toEqual({ id: one.id, email: one.email })

  const input = { email: ` ${one.email.toUpperCase()} `, role: 'DEVELOPER' as const, name: 'One' }
  const { setMember } = await admin.request(SetMember, { input })
  expect(setMember).toMatchObject({
    membership: { role: 'DEVELOPER', user: { id: one.id, name: 'One' } },
  })
  const { removeMember } = await admin.request(RemoveMember, { input: { userId: one.id } })
  expect(removeMember).toEqual({ __typename: 'RemoveMemberSuccess', removedId: one.id })
  expect(await membersOf(admin)).toEqual(['admin ADMIN', `${two.email} DEVELOPER`])
  const again = (await admin.request(RemoveMember, { input: { userId: one.id } })).removeMember
  expect(again.__typename).toBe('NotFound')
})

test('only an ADMIN changes who is a member; a VIEWER sees who is', async () => {
  const { id: organizationId, admin } = await seedOrganization(app)
  const person = await seedPerson(admin, 'VIEWER', organizationId)
  for (const role of ['DEVELOPER', 'VIEWER', 'WORKER'] as const) {
    const client = await member(app, organizationId, role)
    const input = { email: 'other@example.com', role: 'VIEWER' as const }
    expect((await client.request(SetMember, { input })).setMember.__typename).toBe('Forbidden')
    const removal = await client.request(RemoveMember, { input: { userId: person.id } })
    expect(removal.removeMember.__typename).toBe('Forbidden')
    const { errors } = await client.execute(Members, { first: 100 })
    expect(errors?.[0]?.extensions?.code).toBe(role === 'WORKER' ? 'FORBIDDEN' : undefined)
  }
})

test('the last ADMIN of an organization is neither removed nor demoted, whoever asks how often', async () => {
  const { id: organizationId, admin } = await seedOrganization(app)
  const { viewer } = await app.admin.request(Viewer)
  const userId = viewer.user?.id ?? ''
  const demote = async (email: string) =>
    (await app.admin.request(SetMember, { input: { email, role: 'VIEWER', organizationId } }))
      .setMember
  expect(await demote('admin')).toMatchObject({
    __typename: 'ValidationError',
    message: expect.stringContaining('The last ADMIN cannot'),
    issues: [{ path: ['role'], rule: 'last_admin' }],
  })
  const removal = await admin.request(RemoveMember, { input: { userId } })
  expect(removal.removeMember).toMatchObject({
    __typename: 'ValidationError',
    message: expect.stringContaining('The last ADMIN cannot leave, be removed'),
  })
  // two who would remove each other: one stays
  const other = await seedPerson(admin, 'ADMIN', organizationId)
  const both = await Promise.all(
    [userId, other.id].map(
      async (one) =>
        (await admin.request(RemoveMember, { input: { userId: one } })).removeMember.__typename,
    ),
  )
  expect(both.toSorted()).toEqual(['RemoveMemberSuccess', 'ValidationError'])
})

test("an account of another's is no member's, and is neither renamed nor given a password", async () => {
  const [ours, theirs] = [await seedOrganization(app), await seedOrganization(app)]
  const person = await seedPerson(ours.admin, 'ADMIN', ours.id)
  const session = app.client((await signedIn(app.stranger, person)).secret)
  const { code } = await invited(theirs.admin, person.email, 'DEVELOPER', theirs.id)
  const accepted = await session.request(AcceptInvitation, {
    input: { code, password: 'for theirs alone' },
  })
  succeeded(accepted.acceptInvitation, 'AcceptInvitationSuccess')
  for (const more of [{ password: 'stolen password' }, { name: 'Stolen' }]) {
    const input = { email: person.email, role: 'DEVELOPER' as const, ...more }
    const { setMember } = await theirs.admin.request(SetMember, { input })
    expect(setMember.__typename).toBe('Forbidden')
  }
  // whose account it is sets the password for itself alone
  const input = { email: person.email, role: 'ADMIN' as const, password: 'of ours alone' }
  succeeded((await ours.admin.request(SetMember, { input })).setMember, 'SetMemberSuccess')
  const organizationsBy = async (password: string) => {
    const { secret } = await signedIn(app.stranger, { email: person.email, password })
    const { viewer } = await app.client(secret).request(Viewer)
    return viewer.memberships.map(({ organization }) => organization.id)
  }
  expect(await organizationsBy('of ours alone')).toEqual([ours.id])
  expect(await organizationsBy('for theirs alone')).toEqual([theirs.id])
  const crossed = { email: person.email, password: 'of ours alone', organizationId: theirs.id }
  expect((await app.stranger.request(SignIn, { input: crossed })).signIn.__typename).toBe(
    'Forbidden',
  )
})

test('everybody changes their own password, which ends what the old one had opened', async () => {
  const { id: organizationId, admin } = await seedOrganization(app)
  const person = await seedPerson(admin, 'VIEWER', organizationId)
  const [used, other] = [await signedIn(app.stranger, person), await signedIn(app.stranger, person)]
  const client = app.client(used.secret)
  const input = { email: person.email, role: 'VIEWER' as const, password: 'another password' }
  succeeded((await client.request(SetMember, { input })).setMember, 'SetMemberSuccess')
  const raised = await client.request(SetMember, { input: { ...input, role: 'ADMIN' } })
  expect(raised.setMember.__typename).toBe('Forbidden')
  expect((await client.request(Viewer)).viewer.role).toBe('VIEWER')
  expect((await app.client(other.secret).execute(Viewer)).errors?.[0]?.extensions?.code).toBe(
    'UNAUTHENTICATED',
  )
  const old = await app.stranger.request(SignIn, {
    input: { email: person.email, password: PASSWORD },
  })
  expect(old.signIn.__typename).toBe('Unauthenticated')
})

test('what is wrong with a member is told at once', async () => {
  const input = { email: 'no address', role: 'VIEWER' as const, name: ' ', password: 'short' }
  const { setMember } = await app.admin.request(SetMember, { input })
  expect(setMember).toMatchObject({
    __typename: 'ValidationError',
    issues: [{ path: ['email'] }, { path: ['name'] }, { path: ['password'] }],
  })
})

test('the history has who did what to whom, and no password', async () => {
  const { id: organizationId, admin } = await seedOrganization(app)
  const person = await seedPerson(admin, 'VIEWER', organizationId)
  await signedIn(app.stranger, person)
  await admin.request(SetMember, { input: { email: person.email, role: 'DEVELOPER' } })
  await admin.request(RemoveMember, { input: { userId: person.id } })
  const { activity } = await app.admin.request(Activities, { organizationId })
  const people = activity.nodes.filter(({ subjectId }) => subjectId === person.id)
  expect(people.map(({ action, changes }) => ({ action, changes }))).toEqual([
    { action: 'removeMember', changes: [{ field: 'role', from: 'DEVELOPER', to: null }] },
    { action: 'setMember', changes: [{ field: 'role', from: 'VIEWER', to: 'DEVELOPER' }] },
    { action: 'signIn', changes: [] },
    {
      action: 'setMember',
      changes: [
        { field: 'role', from: null, to: 'VIEWER' },
        { field: 'password', from: null, to: null },
      ],
    },
  ])
  expect(people.find(({ action }) => action === 'signIn')?.actor.name).toBe(person.email)
  expect(JSON.stringify(activity)).not.toContain(PASSWORD)
})

const leave = async (client: Client) =>
  (await client.request(LeaveOrganization, { input: {} })).leaveOrganization

test('everybody leaves, whatever the role, but for the last ADMIN', async () => {
  const { id: organizationId, admin } = await seedOrganization(app)
  for (const role of ['WORKER', 'VIEWER', 'ADMIN'] as const) {
    const person = await seedPerson(admin, role, organizationId)
    const { secret } = await signedIn(app.stranger, person)
    expect(await leave(app.client(secret))).toMatchObject({ leftId: organizationId })
    const code = (await app.client(secret).execute(Viewer)).errors?.[0]?.extensions?.['code']
    expect(code).toBe('UNAUTHENTICATED')
    const { signIn } = await app.stranger.request(SignIn, {
      input: { email: person.email, password: person.password },
    })
    expect(signIn.__typename).toBe('Unauthenticated')
  }
  expect((await leave(admin)).__typename).toBe('Forbidden') // a token is no person
  const input = { organizationId }
  expect((await app.admin.request(LeaveOrganization, { input })).leaveOrganization).toMatchObject({
    __typename: 'ValidationError',
    issues: [{ path: ['organizationId'], rule: 'last_admin' }],
  })
  const other = await seedPerson(admin, 'ADMIN', organizationId)
  expect((await app.admin.request(LeaveOrganization, { input })).leaveOrganization).toMatchObject({
    leftId: organizationId,
  })
  expect(other.email).toBeTruthy()
})
