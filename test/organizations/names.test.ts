import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { Jobs, Submit } from '../../testkit/operations/jobs.ts'
import { CreateRoute, GetRoute, ListRoutes } from '../../testkit/operations/routes.ts'
import { CreateService } from '../../testkit/operations/services.ts'
import { JobsChanged } from '../../testkit/operations/streams.ts'
import { Workers } from '../../testkit/operations/workers.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { read } from '../../testkit/seed/jobs.ts'
import { seedOrganization } from '../../testkit/seed/organizations.ts'
import { basic, choosing, type Owned, owned, Project, Service } from './same-names.ts'

const Services = graphql(`
  query NamesServices($deploymentId: ID!, $organizationId: ID) {
    services(filter: { deploymentIds: [$deploymentId] }, organizationId: $organizationId) {
      nodes {
        id
      }
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
const Organization = graphql(`
  query NamesOrganization($id: ID!) {
    organization(id: $id) {
      handle
    }
  }
`)
const Refused = graphql(`
  mutation NamesRefused($echo: ID!, $prod: ID!, $lab: ID!, $main: ID!) {
    updateService(input: { id: $echo, name: "other" }) {
      ...Problem
    }
    checkInService(input: { id: $echo }) {
      ...Problem
    }
    claimJobs(input: { serviceIds: [$echo], worker: "w", claimId: "c" }) {
      ...Problem
    }
    cancelJobs(input: { organizationId: "acme", filter: { serviceIds: [$echo] } }) {
      __typename
    }
    updateDeployment(input: { id: $prod, name: "other" }) {
      ...Problem
    }
    createDeploymentVersion(input: { deploymentId: $prod, label: "x" }) {
      ...Problem
    }
    deleteRoute(input: { id: $main }) {
      ...Problem
    }
    updateProject(input: { id: $lab, name: "other" }) {
      ...Problem
    }
    createToken(input: { name: "t", role: VIEWER, projectId: $lab }) {
      ...Problem
    }
    rollBackDeployment(input: { deploymentId: $prod, versionId: "abeja:ver-0" }) {
      ...Problem
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
  expect(await admin.execute(Deployment, { id: 'topchef:prod' })).toMatchObject(refusal('prod'))
  expect(await admin.execute(GetRoute, { id: 'main' })).toMatchObject(refusal('main'))
  const within = { id: 'main', deploymentId: 'prod' }
  expect(await admin.execute(GetRoute, within)).toMatchObject(refusal('main'))
  expect(await admin.execute(Project, { id: 'lab' })).toMatchObject(refusal('lab'))
  expect(await admin.execute(Organization, { id: 'topchef:shared' })).toMatchObject(refusal('id'))
  expect(await admin.execute(Services, { deploymentId: 'prod' })).toMatchObject(refusal('prod'))
  expect(await admin.execute(ListRoutes, { deploymentIds: ['prod'] })).toMatchObject(
    refusal('prod'),
  )
  expect(await admin.execute(Jobs, { filter: { serviceIds: ['echo'] } })).toMatchObject(
    refusal('echo'),
  )
  expect(await admin.execute(Workers, { service: 'echo' })).toMatchObject(refusal('echo'))
  const { errors } = await admin.execute(Service, { id: 'echo' })
  expect(errors?.[0]?.message).toBe(
    `"echo" is a service in several of your organizations: give its id, or say which organization is meant: ${acme.echo} (acme), ${beta.echo} (beta).`,
  )
})

test('an organization that is not there, and one of others, is null', async () => {
  const { id, admin } = await seedOrganization(app)
  for (const other of ['nothing', 'abeja:1', acme.id, 'acme', 'abeja:acme'])
    expect(await admin.request(Organization, { id: other })).toEqual({ organization: null })
  expect(await admin.request(Organization, { id })).toMatchObject({
    organization: { handle: expect.any(String) },
  })
})

test('an id is never in doubt, nor is a name where the organization is said', async () => {
  const { admin } = app
  for (const { echo, prod, web, main, id } of [acme, beta]) {
    expect((await admin.request(Service, { id: echo })).service).toMatchObject({ id: echo })
    const { services } = await admin.request(Services, { deploymentId: 'prod', organizationId: id })
    expect(services.nodes).toEqual([{ id: web }])
    const within = { id: 'main', deploymentId: prod }
    expect((await admin.request(GetRoute, within)).route).toMatchObject({ id: main })
  }
})

const ambiguous = (...path: string[]) => ({
  issues: [{ path, rule: 'ambiguous', message: expect.stringMatching(/\(acme\), .*\(beta\)/) }],
})

test('a mutation by such a name is a violation of the rule "ambiguous" at its place in the input', async () => {
  const names = { echo: 'echo', prod: 'prod', lab: 'lab', main: 'main' }
  expect(await app.admin.request(Refused, names)).toMatchObject({
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
    for await (const { errors } of socket.iterate({ query, variables: { serviceIds: ['echo'] } }))
      expect(errors).toMatchObject(refusal('echo').errors)
  } finally {
    await socket.dispose()
  }
})

test('a call by such a path is 400 with the choices; one by an id in it goes where it says', async () => {
  const call = (path: string, authorization = basic('any', app.admin.token)) =>
    fetch(app.url + path, { headers: { authorization } })
  for (const [path, of] of [
    ['/deployments/prod/services/web', 'web'],
    ['/routes/main', 'main'],
    ['/routes/main/more?x=1', 'main'],
  ] as const) {
    const response = await call(path)
    expect(response.status, path).toBe(400)
    expect(await response.json()).toMatchObject({
      code: 'BAD_REQUEST',
      choices: choices(of),
    })
  }
  for (const path of [
    `/deployments/prod/services/${acme.web}`,
    `/deployments/${acme.prod}/services/web`,
    `/routes/${acme.main}`,
  ])
    expect((await call(path)).status, path).not.toBe(400)
  expect((await call('/routes/main', basic('acme', app.admin.token))).status).not.toBe(400)
})

test('an address chosen in one organization leads nobody away from an object of another', async () => {
  const { createService } = await choosing(app, 'acme').request(CreateService, {
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
    const response = await fetch(app.url + path, {
      headers: { authorization: basic(name, app.admin.token) },
    })
    return [response.status, await response.json()] as const
  }
  const [status, body] = await ask('any')
  expect([status, body]).toMatchObject([
    400,
    { errors: [{ status_code: 400, detail: expect.stringContaining('(beta)') }] },
  ])
  expect(await ask('beta')).toMatchObject([200, { data: { name: 'echo' } }])
  expect(await ask('acme')).toMatchObject([200, { data: { name: 'trap' } }])
  expect((await choosing(app, 'beta').request(Service, { id })).service).toMatchObject({
    id: beta.echo,
  })
})

test('a call that had its effect is answered as before; one that was in doubt had none', async () => {
  const input = { input: { serviceId: 'echo', idempotencyKey: 'one' } }
  const chosen = choosing(app, 'acme')
  const first = succeeded((await chosen.request(Submit, input)).submitJob, 'SubmitJobSuccess')
  expect(first.replayed).toBe(false)
  expect((await read(chosen, first.job.id)).service.id).toBe(acme.echo)
  const again = succeeded((await chosen.request(Submit, input)).submitJob, 'SubmitJobSuccess')
  expect([again.replayed, again.job.id]).toEqual([true, first.job.id])
  // in another organization, or in all of them, it is another call
  for (const other of [choosing(app, 'beta'), app.admin])
    expect((await other.request(Submit, input)).submitJob).toMatchObject({
      __typename: 'Conflict',
    })
  const doubtful = { input: { serviceId: 'echo', idempotencyKey: 'two' } }
  for (let n = 0; n < 2; n += 1)
    expect((await app.admin.request(Submit, doubtful)).submitJob).toMatchObject({
      issues: [{ path: ['serviceId'], rule: 'ambiguous' }],
    })
})
