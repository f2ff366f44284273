import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { Client } from '../../testkit/client.ts'
import { CreateOrganization, CreateToken, Viewer } from '../../testkit/operations/organizations.ts'
import { AcceptInvitation } from '../../testkit/operations/people.ts'
import { succeeded } from '../../testkit/outcome.ts'
import {
  invited,
  seedOrganization,
  seedPerson,
  signedIn,
} from '../../testkit/seed/organizations.ts'
import { seedVersion } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'

/*
 * A person of two organizations, `acme` and `beta`, in each of which there is a service `echo`, a deployment `prod`
 * with a service `web`, a route `main` and a project `lab`.
 */

const CreateService = graphql(`
  mutation NamesCreateService($input: CreateServiceInput!) {
    createService(input: $input) {
      __typename
      ... on CreateServiceSuccess {
        replayed
        service {
          id
          handle
          address(front: TOPCHEF)
        }
      }
      ... on Error {
        message
      }
    }
  }
`)
const CreateDeployment = graphql(`
  mutation NamesCreateDeployment($input: CreateDeploymentInput!) {
    createDeployment(input: $input) {
      __typename
      ... on CreateDeploymentSuccess {
        deployment {
          id
          address(front: ABEJA)
        }
      }
      ... on Error {
        message
      }
    }
  }
`)
const CreateProject = graphql(`
  mutation NamesCreateProject($input: CreateProjectInput!) {
    createProject(input: $input) {
      __typename
      ... on CreateProjectSuccess {
        project {
          id
        }
      }
      ... on Error {
        message
      }
    }
  }
`)
const CreateRoute = graphql(`
  mutation NamesCreateRoute($input: CreateRouteInput!) {
    createRoute(input: $input) {
      __typename
      ... on CreateRouteSuccess {
        route {
          id
        }
      }
      ... on ValidationError {
        issues {
          path
          rule
        }
      }
      ... on Error {
        message
      }
    }
  }
`)
const Services = graphql(`
  query NamesServices($deploymentId: ID!, $organizationId: ID) {
    services(filter: { deploymentId: $deploymentId }, organizationId: $organizationId) {
      nodes {
        id
      }
    }
  }
`)
const Service = graphql(`
  query NamesService($id: ID!) {
    service(id: $id) {
      id
    }
  }
`)
const Deployment = graphql(`
  query NamesDeployment($id: ID!) {
    deployment(id: $id) {
      id
    }
  }
`)
const Route = graphql(`
  query NamesRoute($id: ID!, $deploymentId: ID) {
    route(id: $id, deploymentId: $deploymentId) {
      id
    }
  }
`)
const Project = graphql(`
  query NamesProject($id: ID!) {
    project(id: $id) {
      id
    }
  }
`)
const Organization = graphql(`
  query NamesOrganization($id: ID!) {
    organization(id: $id) {
      handle
    }
  }
`)
const Jobs = graphql(`
  query NamesJobs($serviceId: ID!) {
    jobs(filter: { serviceIds: [$serviceId] }) {
      totalCount
    }
  }
`)
const Routes = graphql(`
  query NamesRoutes($deploymentId: ID!) {
    routes(deploymentId: $deploymentId) {
      totalCount
    }
  }
`)
const Workers = graphql(`
  query NamesWorkers($serviceId: ID!) {
    workers(serviceId: $serviceId) {
      totalCount
    }
  }
`)
const SubmitJob = graphql(`
  mutation NamesSubmitJob($input: SubmitJobInput!) {
    submitJob(input: $input) {
      __typename
      ... on SubmitJobSuccess {
        replayed
        job {
          id
          service {
            id
          }
        }
      }
      ... on ValidationError {
        issues {
          path
          rule
          message
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`)
const Refused = graphql(`
  mutation NamesRefused($echo: ID!, $prod: ID!, $lab: ID!, $main: ID!) {
    updateService(input: { id: $echo, name: "other" }) {
      ...NamesIssues
    }
    checkInService(input: { id: $echo }) {
      ...NamesIssues
    }
    claimJobs(input: { serviceIds: [$echo], worker: "w", claimId: "c" }) {
      ...NamesIssues
    }
    cancelJobs(input: { organizationId: "acme", filter: { serviceIds: [$echo] } }) {
      __typename
    }
    updateDeployment(input: { id: $prod, name: "other" }) {
      ...NamesIssues
    }
    createDeploymentVersion(input: { deploymentId: $prod, label: "x" }) {
      ...NamesIssues
    }
    deleteRoute(input: { id: $main }) {
      ...NamesIssues
    }
    updateProject(input: { id: $lab, name: "other" }) {
      ...NamesIssues
    }
    createToken(input: { name: "t", role: VIEWER, projectId: $lab }) {
      ...NamesIssues
    }
    rollBackDeployment(input: { deploymentId: $prod, versionId: "abeja:ver-0" }) {
      ...NamesIssues
    }
  }
  fragment NamesIssues on ValidationError {
    issues {
      path
      rule
      message
    }
  }
`)
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
const JobsChanged = graphql(`
  subscription NamesJobsChanged($serviceId: ID!, $after: String) {
    jobsChanged(serviceId: $serviceId, after: $after) {
      cursor
    }
  }
`)
const SetMember = graphql(`
  mutation NamesSetMember($input: SetMemberInput!) {
    setMember(input: $input) {
      __typename
    }
  }
`)
const RemoveMember = graphql(`
  mutation NamesRemoveMember($input: RemoveMemberInput!) {
    removeMember(input: $input) {
      __typename
    }
  }
`)
const Self = graphql(`
  query NamesSelf {
    viewer {
      user {
        id
      }
    }
  }
`)

/** What one organization has. */
interface Owned {
  readonly id: string
  readonly echo: string
  readonly prod: string
  readonly web: string
  readonly main: string
  readonly lab: string
  readonly uuid: string
}

let app: TestApp
let acme: Owned
let beta: Owned
beforeAll(async () => {
  app = await testApp()
  acme = await owned('acme')
  beta = await owned('beta')
})
afterAll(() => app.close())

async function owned(handle: string): Promise<Owned> {
  const { admin } = app
  const { createOrganization } = await admin.request(CreateOrganization, {
    input: { name: handle, handle, addresses: [`abeja:${handle}`, 'auger:shared'] },
  })
  const { id } = succeeded(createOrganization, 'CreateOrganizationSuccess').organization
  const organizationId = id
  const queue = { queue: { functions: [{ name: 'default' }] } }
  const { createService } = await admin.request(CreateService, {
    input: { name: 'echo', handle: 'echo', organizationId, backend: queue },
  })
  const { service } = succeeded(createService, 'CreateServiceSuccess')
  const { createDeployment } = await admin.request(CreateDeployment, {
    input: { name: 'prod', handle: 'prod', organizationId, addresses: ['auger:prod'] },
  })
  const { deployment } = succeeded(createDeployment, 'CreateDeploymentSuccess')
  const versionId = await seedVersion(admin, deployment.id, { 'main.mjs': 'export default 1' })
  const process = { versionId, scale: { desired: 1 } }
  const made = await admin.request(CreateService, {
    input: { name: 'web', handle: 'web', organizationId, backend: { process } },
  })
  const web = succeeded(made.createService, 'CreateServiceSuccess').service.id
  const { createProject } = await admin.request(CreateProject, {
    input: { name: 'lab', handle: 'lab', organizationId },
  })
  const { createRoute } = await admin.request(CreateRoute, {
    input: { name: 'main', handle: 'main', deploymentId: deployment.id, serviceIds: ['web'] },
  })
  return {
    id,
    echo: service.id,
    uuid: service.address ?? '',
    prod: deployment.id,
    web,
    main: succeeded(createRoute, 'CreateRouteSuccess').route.id,
    lab: succeeded(createProject, 'CreateProjectSuccess').project.id,
  }
}

const basic = (name: string, token = app.admin.token): string =>
  `Basic ${Buffer.from(`${name}:${token ?? ''}`).toString('base64')}`

/** The admin, who says as the user name of Basic in which organization it acts. */
class Choosing extends Client {
  readonly name: string
  constructor(name: string, token = app.admin.token) {
    super(app.url, token)
    this.name = name
  }
  override get headers(): Record<string, string> {
    return { authorization: basic(this.name, this.token) }
  }
}

const choices = (of: keyof Owned) => [
  { id: acme[of], organization: 'acme' },
  { id: beta[of], organization: 'beta' },
]
const refusal = (of: keyof Owned) => ({
  errors: [{ extensions: { code: 'BAD_REQUEST', choices: choices(of) } }],
})

test('a query by a name of two organizations is refused with the choices, whatever is named', async () => {
  const { admin } = app
  expect(await admin.execute(Service, { id: 'echo' })).toMatchObject(refusal('echo'))
  expect(await admin.execute(Deployment, { id: 'prod' })).toMatchObject(refusal('prod'))
  expect(await admin.execute(Deployment, { id: 'auger:prod' })).toMatchObject(refusal('prod'))
  expect(await admin.execute(Route, { id: 'main' })).toMatchObject(refusal('main'))
  const within = { id: 'main', deploymentId: 'prod' }
  expect(await admin.execute(Route, within)).toMatchObject(refusal('main'))
  expect(await admin.execute(Project, { id: 'lab' })).toMatchObject(refusal('lab'))
  expect(await admin.execute(Organization, { id: 'auger:shared' })).toMatchObject(refusal('id'))
  expect(await admin.execute(Services, { deploymentId: 'prod' })).toMatchObject(refusal('prod'))
  expect(await admin.execute(Routes, { deploymentId: 'prod' })).toMatchObject(refusal('prod'))
  expect(await admin.execute(Jobs, { serviceId: 'echo' })).toMatchObject(refusal('echo'))
  expect(await admin.execute(Workers, { serviceId: 'echo' })).toMatchObject(refusal('echo'))
  const { errors } = await admin.execute(Service, { id: 'echo' })
  expect(errors?.[0]?.message).toBe(
    `"echo" is a service in several of your organizations: give its id, or say which organization is meant: ${acme.echo} (acme), ${beta.echo} (beta).`,
  )
})

test('an id is never in doubt, nor is a name where the organization is said', async () => {
  const { admin } = app
  for (const { echo, prod, web, main, id } of [acme, beta]) {
    expect((await admin.request(Service, { id: echo })).service).toEqual({ id: echo })
    const { services } = await admin.request(Services, { deploymentId: 'prod', organizationId: id })
    expect(services.nodes).toEqual([{ id: web }])
    const within = { id: 'main', deploymentId: prod }
    expect((await admin.request(Route, within)).route).toEqual({ id: main })
  }
})

const ambiguous = (...path: string[]) => ({
  issues: [{ path, rule: 'ambiguous', message: expect.stringMatching(/\(acme\), .*\(beta\)/) }],
})

test('a mutation by such a name is a violation of the rule "ambiguous" at its place in the input', async () => {
  const names = { echo: 'echo', prod: 'prod', lab: 'lab', main: 'main' }
  expect(await app.admin.request(Refused, names)).toEqual({
    updateService: ambiguous('id'),
    checkInService: ambiguous('id'),
    claimJobs: ambiguous('serviceIds', '0'),
    cancelJobs: { __typename: 'CancelJobsSuccess' }, // it names its organization
    updateDeployment: ambiguous('id'),
    createDeploymentVersion: ambiguous('deploymentId'),
    deleteRoute: ambiguous('id'),
    updateProject: ambiguous('id'),
    createToken: ambiguous('projectId'),
    rollBackDeployment: ambiguous('deploymentId'),
  })
  const input = { name: 'x', deploymentId: acme.prod, serviceIds: ['web', 'echo'] }
  // the deployment says of which organization the services are
  expect((await app.admin.request(CreateRoute, { input })).createRoute).toMatchObject({
    __typename: 'ValidationError',
    issues: [{ path: ['serviceIds', '1'] }],
  })
  const { createRoute } = await app.admin.request(CreateRoute, {
    input: { name: 'x', serviceIds: [acme.web, 'echo'] },
  })
  expect(createRoute).toMatchObject({ issues: [{ path: ['serviceIds', '1'], rule: 'ambiguous' }] })
})

test('a subscription by such a name ends with the choices', async () => {
  const socket = app.admin.socket()
  try {
    const query = JobsChanged.toString()
    for await (const { errors } of socket.iterate({ query, variables: { serviceId: 'echo' } }))
      expect(errors).toMatchObject(refusal('echo').errors)
  } finally {
    await socket.dispose()
  }
})

test('a call by such a path is 400 with the choices; one by an id in it goes where it says', async () => {
  const call = (path: string, authorization = basic('any')) =>
    fetch(app.url + path, { headers: { authorization } })
  for (const [path, of] of [
    ['/deployments/prod/services/web', 'web'],
    ['/routes/main', 'main'],
    ['/routes/main/more?x=1', 'main'],
  ] as const) {
    const response = await call(path)
    expect(response.status, path).toBe(400)
    expect(await response.json()).toMatchObject({
      error: 'bad_request',
      error_detail: { choices: choices(of) },
    })
  }
  for (const path of [
    `/deployments/prod/services/${acme.web}`,
    `/deployments/${acme.prod}/services/web`,
    `/routes/${acme.main}`,
  ])
    expect((await call(path)).status, path).not.toBe(400)
  expect((await call('/routes/main', basic('acme'))).status).not.toBe(400)
})

test('the user name of Basic says in which organization a caller acts, by handle, id or address', async () => {
  for (const [owner, names] of [
    [acme, ['acme', acme.id, 'abeja:acme']],
    [beta, ['beta', beta.id, 'abeja:beta']],
  ] as const)
    for (const name of names) {
      const caller = new Choosing(name)
      expect((await caller.request(Service, { id: 'echo' })).service).toEqual({ id: owner.echo })
      const { viewer, services } = await caller.request(Whose)
      const organization = { handle: owner === acme ? 'acme' : 'beta' }
      expect(viewer).toEqual({ organization, memberships: [{ organization }] })
      const listed = services.nodes.map(({ id }) => id)
      expect([acme.echo, beta.echo].filter((id) => listed.includes(id))).toEqual([owner.echo])
      const { submitJob } = await caller.request(SubmitJob, { input: { serviceId: 'echo' } })
      expect(submitJob).toMatchObject({ job: { service: { id: owner.echo } } })
    }
  const stranger = await new Choosing('acme').request(Service, { id: beta.echo })
  expect(stranger.service).toBe(null)
})

test('a WebSocket acts in the organization that its credential names', async () => {
  const socket = new Choosing('beta').socket()
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
  const { createOrganization } = await new Choosing('acme').request(CreateOrganization, { input })
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
  const { setMember } = await new Choosing(ours.id, secret).request(SetMember, { input })
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
  const refused = await new Choosing(theirs.id, secret).request(AcceptInvitation, {
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
  const status = async (name: string, token?: string) => {
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
  const { errors } = await new Choosing('acmee').execute(Whose)
  expect(errors).toMatchObject([
    { message: expect.stringContaining('"acmee"'), extensions: { code: 'FORBIDDEN' } },
  ])
})

test('a token of a project acts in its project under the name of its organization, and nowhere under another', async () => {
  const { createToken } = await app.admin.request(CreateToken, {
    input: { name: 'p', role: 'DEVELOPER', projectId: acme.lab },
  })
  const { secret } = succeeded(createToken, 'CreateTokenSuccess')
  const own = await new Choosing('acme', secret).request(Project, { id: 'lab' })
  expect(own.project).toEqual({ id: acme.lab })
  const { errors } = await new Choosing('beta', secret).execute(Project, { id: 'lab' })
  expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
})

test('an address chosen in one organization leads nobody away from an object of another', async () => {
  const { createService } = await new Choosing('acme').request(CreateService, {
    input: {
      name: 'trap',
      addresses: [`topchef:${beta.uuid}`],
      backend: { queue: { functions: [{ name: 'default' }] } },
    },
  })
  const trap = succeeded(createService, 'CreateServiceSuccess').service.id
  const id = `topchef:${beta.uuid}`
  expect(await app.admin.execute(Service, { id })).toMatchObject({
    errors: [
      {
        extensions: {
          choices: [
            { id: beta.echo, organization: 'beta' },
            { id: trap, organization: 'acme' },
          ],
        },
      },
    ],
  })
  const path = `/topchef/services/${beta.uuid}`
  const ask = async (name: string) => {
    const response = await fetch(app.url + path, { headers: { authorization: basic(name) } })
    return [response.status, await response.json()] as const
  }
  const [status, body] = await ask('any')
  expect([status, body]).toMatchObject([
    400,
    { errors: [{ status_code: 400, detail: expect.stringContaining('(beta)') }] },
  ])
  expect(await ask('beta')).toMatchObject([200, { data: { name: 'echo' } }])
  expect(await ask('acme')).toMatchObject([200, { data: { name: 'trap' } }])
  expect((await new Choosing('beta').request(Service, { id })).service).toEqual({ id: beta.echo })
})

test('TopChef makes what is new in the organization that the base URL names', async () => {
  const response = await fetch(`${app.url}/topchef/services`, {
    method: 'POST',
    headers: { authorization: basic('beta'), 'content-type': 'application/json' },
    body: JSON.stringify({
      name: 'new',
      description: '',
      job_registration_schema: {},
      job_result_schema: {},
    }),
  })
  expect(response.status).toBe(201)
  const id = `topchef:${response.headers.get('location')?.split('/').at(-1)}`
  expect((await new Choosing('acme').request(Service, { id })).service).toBe(null)
  expect((await new Choosing('beta').request(Service, { id })).service).not.toBe(null)
})

test('a call that had its effect is answered as before; one that was in doubt had none', async () => {
  const input = { input: { serviceId: 'echo', idempotencyKey: 'one' } }
  const chosen = new Choosing('acme')
  const first = (await chosen.request(SubmitJob, input)).submitJob
  expect(first).toMatchObject({ replayed: false, job: { service: { id: acme.echo } } })
  const again = (await chosen.request(SubmitJob, input)).submitJob
  expect(again).toEqual({ ...first, replayed: true })
  // in another organization, or in all of them, it is another call
  for (const other of [new Choosing('beta'), app.admin])
    expect((await other.request(SubmitJob, input)).submitJob).toMatchObject({
      __typename: 'Conflict',
    })
  const doubtful = { input: { serviceId: 'echo', idempotencyKey: 'two' } }
  for (let n = 0; n < 2; n += 1)
    expect((await app.admin.request(SubmitJob, doubtful)).submitJob).toMatchObject({
      issues: [{ path: ['serviceId'], rule: 'ambiguous' }],
    })
})

test('a socket that acts in one organization closes when its person leaves that one, and no other does', async () => {
  const password = 'correct horse'
  const input = { email: 'boss@example.com', role: 'ADMIN' as const, organizationId: acme.id }
  await app.admin.request(SetMember, { input: { ...input, password } })
  const userId = (await app.admin.request(Self)).viewer.user?.id ?? ''
  const closed: string[] = []
  const open = async (name: string) => {
    const socket = new Choosing(name).socket()
    socket.on('closed', () => closed.push(name))
    const variables = { serviceId: 'echo', after: 'start' }
    const results = socket.iterate({ query: JobsChanged.toString(), variables })
    expect(await results.next()).toMatchObject({ value: { data: { jobsChanged: {} } } })
    return socket
  }
  const sockets = [await open('acme'), await open('beta')]
  const place = { organizationId: acme.id, userId }
  await app.admin.request(RemoveMember, { input: place })
  await until(() => closed.includes('acme'))
  expect(closed).toEqual(['acme'])
  const { errors } = await new Choosing('acme').execute(Whose)
  expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
  expect((await app.admin.request(Service, { id: 'echo' })).service).toEqual({ id: beta.echo })
  for (const socket of sockets) await socket.dispose()
})
