import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import type { Client } from '../../testkit/client.ts'
import { CreateDeployment } from '../../testkit/operations/deployments.ts'
import { Activities, Viewer } from '../../testkit/operations/organizations.ts'
import {
  AcceptInvitation,
  DeclineInvitation,
  LeaveOrganization,
  RemoveMember,
  SetMember,
  SignIn,
  WithdrawInvitation,
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

const Invitations = graphql(`
  query InvitationsOf {
    viewer {
      organization {
        invitations {
          totalCount
          nodes {
            id
            email
            status
            endedAt
            creator {
              name
            }
            organization {
              id
            }
          }
        }
      }
    }
  }
`)

const placesOf = async (client: Client) =>
  (await client.request(Viewer)).viewer.memberships.map(({ organization }) => organization.id)
const accept = async (client: Client, input: { code: string; password?: string; name?: string }) =>
  (await client.request(AcceptInvitation, { input })).acceptInvitation
const set = async (
  client: Client,
  { email, password, name }: { email: string; password?: string; name?: string },
) => {
  const input = { role: 'DEVELOPER' as const, email, ...(password && { password }) }
  return (await client.request(SetMember, { input: { ...input, ...(name && { name }) } })).setMember
}

/** Two organizations, and a person of the second who has signed in. */
async function neighbours() {
  const [ours, theirs] = [await seedOrganization(app), await seedOrganization(app)]
  const person = await seedPerson(theirs.admin, 'DEVELOPER', theirs.id)
  const session = app.client((await signedIn(app.stranger, person)).secret)
  return { ours, theirs, person, session }
}

test('nobody is moved: whoever is invited stays where they are, and what they make goes where it went', async () => {
  const { ours, theirs, person, session } = await neighbours()
  await invited(ours.admin, person.email, 'ADMIN', ours.id)
  succeeded(await set(ours.admin, { ...person, password: 'of ours alone' }), 'SetMemberSuccess')
  expect(await placesOf(session)).toEqual([theirs.id])
  const { createDeployment } = await session.request(CreateDeployment, { input: { name: 'kept' } })
  expect(createDeployment.__typename).toBe('CreateDeploymentSuccess')
  const again = app.client((await signedIn(app.stranger, person)).secret)
  expect(await placesOf(again)).toEqual([theirs.id])
})

/** An outcome without what is another each time. */
const like = (outcome: object, email: string) =>
  JSON.stringify(outcome)
    .replaceAll(email, '<email>')
    .replaceAll(/(inv|usr)_\w{26}/g, '$1')
    .replaceAll(/mri_[\w-]{32}/g, '<code>')

test('an e-mail with an account elsewhere is answered like one without', async () => {
  const { ours, person } = await neighbours()
  const absent = { email: 'absent@example.com' }
  for (const more of [{}, { name: 'Named' }, { name: 'Named', password: 'of ours alone' }]) {
    const [there, not] = [
      await set(ours.admin, { email: person.email, ...more }),
      await set(ours.admin, { ...absent, ...more }),
    ]
    expect(like(there, person.email)).toBe(like(not, absent.email))
    expect(like(not, absent.email)).toContain('password' in more ? 'usr' : '<code>')
  }
})

test('an account made with a password is a member at once, there alone, and is no hold on the e-mail', async () => {
  const { ours, theirs, person } = await neighbours()
  const made = succeeded(
    await set(ours.admin, { email: person.email, password: 'of ours alone' }),
    'SetMemberSuccess',
  )
  expect(made.membership?.user.id).not.toBe(person.id)
  const password = 'of ours alone'
  const client = app.client((await signedIn(app.stranger, { ...person, password })).secret)
  expect(await placesOf(client)).toEqual([ours.id])
  const third = await seedOrganization(app)
  succeeded(await set(third.admin, { ...person, password: 'of the third' }), 'SetMemberSuccess')
  for (const [password, place] of [
    [PASSWORD, theirs.id],
    ['of ours alone', ours.id],
    ['of the third', third.id],
  ] as const) {
    const input = { email: person.email, password }
    const one = app.client((await signedIn(app.stranger, input)).secret)
    expect(await placesOf(one)).toEqual([place])
    const { signIn } = await app.stranger.request(SignIn, {
      input: { ...input, organizationId: place },
    })
    expect(signIn.__typename).toBe('SignInSuccess')
  }
  // one password for several: the choices are told to who knows it
  succeeded(await set(third.admin, { ...person, password: 'of ours alone' }), 'SetMemberSuccess')
  const input = { email: person.email, password: 'of ours alone' }
  expect((await app.stranger.request(SignIn, { input })).signIn).toMatchObject({
    __typename: 'ValidationError',
    issues: [{ path: ['organizationId'] }],
    message: expect.stringContaining('organization-'),
  })
  await signedIn(app.stranger, { ...input, organizationId: third.id })
})

test('one key of one e-mail does not show one account the secret of another', async () => {
  const [ours, theirs] = [await seedOrganization(app), await seedOrganization(app)]
  const { code } = await invited(ours.admin, 'two@example.com', 'VIEWER', ours.id)
  succeeded(
    await accept(app.stranger, { code, password: 'two of ours' }),
    'AcceptInvitationSuccess',
  )
  const session = await signedIn(app.stranger, {
    email: 'two@example.com',
    password: 'two of ours',
  })
  const second = await invited(theirs.admin, 'two@example.com', 'VIEWER', theirs.id)
  const joined = await accept(app.client(session.secret), {
    code: second.code,
    password: 'two of theirs',
  })
  succeeded(joined, 'AcceptInvitationSuccess')
  const keyed = { email: 'two@example.com', idempotencyKey: 'one-key' }
  const one = { ...keyed, password: 'two of theirs' }
  succeeded((await app.stranger.request(SignIn, { input: one })).signIn, 'SignInSuccess')
  const other = { ...keyed, password: 'two of ours' }
  expect((await app.stranger.request(SignIn, { input: other })).signIn.__typename).toBe('Conflict')
})

test('accepting needs the code and a sign-in with its e-mail, and joins the sign-in at hand', async () => {
  const [ours, theirs] = [await seedOrganization(app), await seedOrganization(app)]
  // a password of the server's administrator is good for all
  const person = await seedPerson(app.admin, 'VIEWER', theirs.id)
  const other = await seedPerson(theirs.admin, 'VIEWER', theirs.id)
  const [session, stranger] = [
    app.client((await signedIn(app.stranger, person)).secret),
    app.client((await signedIn(app.stranger, other)).secret),
  ]
  const { code } = await invited(ours.admin, person.email, 'DEVELOPER', ours.id)
  expect((await accept(session, { code: 'mri_wrong' })).__typename).toBe('NotFound')
  expect(await accept(stranger, { code, password: 'by another' })).toMatchObject({
    __typename: 'ValidationError',
    issues: [{ path: ['code'], rule: 'email' }],
  })
  expect(await accept(app.stranger, { code })).toMatchObject({
    __typename: 'ValidationError',
    issues: [{ path: ['password'], rule: 'required' }],
  })
  const nobody = await member(app, theirs.id, 'ADMIN')
  expect(await accept(nobody, { code, password: 'by no person' })).toMatchObject({
    code: 'FORBIDDEN',
  })
  const { membership } = succeeded(await accept(session, { code }), 'AcceptInvitationSuccess')
  expect(membership).toMatchObject({ role: 'DEVELOPER', user: { id: person.id } })
  expect(await placesOf(session)).toEqual([theirs.id, ours.id])
  expect(await accept(session, { code })).toMatchObject({ state: 'ACCEPTED' })
})

test('a sign-in that is good for one organization sets a password for the other', async () => {
  const { ours, theirs, person, session } = await neighbours()
  const { code } = await invited(ours.admin, person.email, 'DEVELOPER', ours.id)
  expect(await accept(session, { code })).toMatchObject({
    issues: [{ path: ['password'], rule: 'required' }],
  })
  const password = 'for ours alone'
  succeeded(await accept(session, { code, password }), 'AcceptInvitationSuccess')
  expect(await placesOf(session)).toEqual([theirs.id])
  const there = app.client((await signedIn(app.stranger, { ...person, password })).secret)
  expect((await there.request(Viewer)).viewer.user?.id).toBe(person.id)
  expect(await placesOf(there)).toEqual([ours.id])
  // what ours may see of the person by now
  const { setMember } = await ours.admin.request(SetMember, {
    input: { email: person.email, role: 'VIEWER' },
  })
  expect(setMember).toMatchObject({ membership: { user: { id: person.id } }, secret: null })
})

const AcceptAndLook = graphql(`
  mutation AcceptAndLook($code: String!, $password: String) {
    acceptInvitation(input: { code: $code, password: $password }) {
      __typename
      ... on AcceptInvitationSuccess {
        membership {
          organization {
            createdAt
          }
        }
      }
      ... on UserError {
        code
      }
    }
    second: withdrawInvitation(input: { id: "inv_none" }) {
      ... on UserError {
        code
      }
    }
  }
`)

test('whoever accepts reads of the answer what the new role reads, and is told before', async () => {
  const { ours, theirs, person, session } = await neighbours()
  for (const [client, email] of [
    [app.stranger, 'looker@example.com'],
    [session, person.email],
  ] as const) {
    const { code } = await invited(ours.admin, email, 'WORKER', ours.id)
    const look = { code, password: PASSWORD }
    const { data } = await client.execute(AcceptAndLook, look)
    if (client === session) expect(data?.acceptInvitation).toMatchObject({ code: 'FORBIDDEN' })
    // nothing was done
    succeeded(await accept(client, look), 'AcceptInvitationSuccess')
  }
  expect(await placesOf(session)).toEqual([theirs.id])
  const { code } = await invited(ours.admin, 'reader@example.com', 'VIEWER', ours.id)
  const { errors } = await app.stranger.execute(AcceptAndLook, { code, password: PASSWORD })
  // what follows is asked by whoever asked before
  expect(errors).toMatchObject([{ path: ['second'], extensions: { code: 'UNAUTHENTICATED' } }])
  expect(await accept(app.stranger, { code, password: PASSWORD })).toMatchObject({
    state: 'ACCEPTED',
  })
})

test('who has no account makes one by accepting, whoever else has that e-mail', async () => {
  const { ours, theirs, person, session } = await neighbours()
  const password = 'of my own choice'
  for (const email of ['new@example.com', person.email]) {
    const { code } = await invited(ours.admin, email, 'VIEWER', ours.id)
    const { membership } = succeeded(
      await accept(app.stranger, { code, password, name: 'New' }),
      'AcceptInvitationSuccess',
    )
    expect(membership).toMatchObject({ role: 'VIEWER', user: { email, name: 'New' } })
    expect(membership.user.id).not.toBe(person.id)
    const client = app.client((await signedIn(app.stranger, { email, password })).secret)
    expect(await placesOf(client)).toEqual([ours.id])
  }
  expect(await placesOf(session)).toEqual([theirs.id])
})

test('the code is shown once, and again to who repeats the call; another invitation takes its place', async () => {
  const { id: organizationId, admin } = await seedOrganization(app)
  const input = { email: 'again@example.com', role: 'VIEWER' as const, idempotencyKey: 'invite' }
  const all = await Promise.all(
    [1, 2, 3].map(async () => (await admin.request(SetMember, { input })).setMember),
  )
  const codes = all.map((one) => succeeded(one, 'SetMemberSuccess').secret)
  expect(codes[0]).toMatch(/^mri_[\w-]{32,}$/)
  expect(new Set(codes).size).toBe(1)
  const colleague = await member(app, organizationId, 'ADMIN')
  const other = succeeded(
    (await colleague.request(SetMember, { input })).setMember,
    'SetMemberSuccess',
  )
  expect(other.secret).not.toBe(codes[0])
  const { nodes } = (await admin.request(Invitations)).viewer.organization.invitations
  expect(nodes.map(({ status }) => status)).toEqual(['WITHDRAWN', 'PENDING'])
  expect(JSON.stringify(nodes)).not.toContain('mri_')
  const password = 'of my own choice'
  expect(await accept(app.stranger, { code: codes[0] ?? '', password })).toMatchObject({
    state: 'WITHDRAWN',
  })
})

test('accepting with a key happens once, for who has the code', async () => {
  const { ours } = await neighbours()
  const { code } = await invited(ours.admin, 'keyed@example.com', 'VIEWER', ours.id)
  const input = { code, password: 'of my own choice', idempotencyKey: 'accept' }
  const answers = await Promise.all(
    [1, 2, 3].map(async () =>
      succeeded(
        (await app.stranger.request(AcceptInvitation, { input })).acceptInvitation,
        'AcceptInvitationSuccess',
      ),
    ),
  )
  expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1)
  // the same key of another invitation is another call
  const second = await invited(ours.admin, 'other@example.com', 'VIEWER', ours.id)
  const again = { ...input, code: second.code }
  const { acceptInvitation } = await app.stranger.request(AcceptInvitation, { input: again })
  expect(succeeded(acceptInvitation, 'AcceptInvitationSuccess').replayed).toBe(false)
})

test('an invitation is declined by who has its code, and withdrawn by an ADMIN', async () => {
  const { ours, theirs } = await neighbours()
  const { code, id } = await invited(ours.admin, 'not@example.com', 'VIEWER', ours.id)
  const decline = async (text: string) =>
    (await app.stranger.request(DeclineInvitation, { input: { code: text } })).declineInvitation
  expect((await decline('mri_wrong')).__typename).toBe('NotFound')
  expect(await decline(code)).toEqual({ __typename: 'DeclineInvitationSuccess', declinedId: id })
  expect(await decline(code)).toMatchObject({ state: 'DECLINED' })
  expect(await accept(app.stranger, { code, password: PASSWORD })).toMatchObject({
    state: 'DECLINED',
  })
  const second = await invited(ours.admin, 'not@example.com', 'VIEWER', ours.id)
  const withdraw = async (client: Client) =>
    (await client.request(WithdrawInvitation, { input: { id: second.id } })).withdrawInvitation
  const developer = await member(app, ours.id, 'DEVELOPER')
  for (const client of [theirs.admin, developer])
    expect((await withdraw(client)).__typename).toBe('NotFound')
  expect(await withdraw(ours.admin)).toMatchObject({ invitation: { status: 'WITHDRAWN' } })
  expect(await withdraw(ours.admin)).toMatchObject({ state: 'WITHDRAWN' })
  expect((await developer.execute(Invitations)).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
})

test('who leaves twice with one key has left once, and who was removed is invited like anybody', async () => {
  const [ours, theirs] = [await seedOrganization(app), await seedOrganization(app)]
  const person = await seedPerson(app.admin, 'VIEWER', theirs.id)
  const session = app.client((await signedIn(app.stranger, person)).secret)
  const { code } = await invited(ours.admin, person.email, 'VIEWER', ours.id)
  succeeded(await accept(session, { code }), 'AcceptInvitationSuccess')
  const input = { organizationId: ours.id, idempotencyKey: 'leave' }
  for (const replayed of [false, true])
    expect((await session.request(LeaveOrganization, { input })).leaveOrganization).toMatchObject({
      leftId: ours.id,
      replayed,
    })
  await theirs.admin.request(RemoveMember, { input: { userId: person.id } })
  expect(await set(theirs.admin, { email: person.email })).toMatchObject({
    membership: null,
    invitation: { status: 'PENDING' },
  })
})

test('the history says who invited whom and who came of it, and no code', async () => {
  const { ours } = await neighbours()
  const email = 'told@example.com'
  const { code, id } = await invited(ours.admin, email, 'VIEWER', ours.id)
  succeeded(await accept(app.stranger, { code, password: PASSWORD }), 'AcceptInvitationSuccess')
  const { activity } = await ours.admin.request(Activities, { organizationId: ours.id })
  expect(activity.nodes.slice(0, 2)).toMatchObject([
    { action: 'acceptInvitation', actor: { name: email }, changes: [{ to: 'VIEWER' }] },
    {
      action: 'setMember',
      subjectId: id,
      changes: [
        { field: 'email', to: email },
        { field: 'role', to: 'VIEWER' },
      ],
    },
  ])
  expect(JSON.stringify(activity)).not.toContain(code)
})
