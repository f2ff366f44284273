import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { streamApp, type StreamApp } from '../../testkit/stream-app.ts'
import { CreateDeployment, UpdateDeployment } from '../../testkit/operations/deployments.ts'
import { CreateService, stop } from '../../testkit/operations/services.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seedDeployment, seedVersion } from '../../testkit/seed/services.ts'

let app: StreamApp
beforeAll(async () => {
  app = await streamApp()
})
afterAll(() => app.close())

const Of = graphql(`
  query AddressesOf($deployment: ID!, $service: ID!) {
    deployment(id: $deployment) {
      addresses {
        front
        text
      }
      abeja: annotations(front: ABEJA)
      topchef: annotations(front: TOPCHEF)
    }
    service(id: $service) {
      addresses {
        front
        text
      }
    }
  }
`)
const Find = graphql(`
  query AddressesFind($deployment: ID!, $version: ID!, $service: ID!) {
    deployment(id: $deployment) {
      id
    }
    deploymentVersion(id: $version) {
      id
      addresses {
        front
        text
      }
    }
    service(id: $service) {
      id
    }
    services(filter: { deploymentIds: [$deployment] }) {
      totalCount
    }
  }
`)
const create = async (addresses: string[]) =>
  (await app.admin.request(CreateDeployment, { input: { name: 'addressed', addresses } }))
    .createDeployment
const deploymentOf = async (id: string) =>
  (await app.admin.request(Of, { deployment: id, service: 'none' })).deployment
const serviceOf = async (id: string) =>
  (await app.admin.request(Of, { deployment: 'none', service: id })).service
const abeja = (of: { addresses: readonly { front: string; text: string }[] } | null | undefined) =>
  `abeja:${of?.addresses.find(({ front }) => front === 'ABEJA')?.text}`

// contract abeja 3
test('computed addresses find their objects wherever an id is taken', async () => {
  const { deployment } = succeeded(await create([]), 'CreateDeploymentSuccess')
  const deploymentAddress = abeja(await deploymentOf(deployment.id))
  expect(deploymentAddress).toMatch(/^abeja:\d{13}$/)
  const versionId = await seedVersion(
    app.admin,
    deployment.id,
    { 'main.mjs': '' },
    { image: 'node' },
  )
  const ids = { deployment: deploymentAddress, version: versionId, service: 'none' }
  const version = abeja((await app.admin.request(Find, ids)).deploymentVersion)
  expect(version).toMatch(/^abeja:ver-[0-9a-f]{16}$/)
  const backend = { process: { versionId: version } }
  const made = await app.admin.request(CreateService, { input: { name: 'addressed', backend } })
  const { service } = succeeded(made.createService, 'CreateServiceSuccess')
  const serviceAddress = abeja(await serviceOf(service.id))
  expect(serviceAddress).toMatch(/^abeja:ser-[0-9a-f]{16}$/)

  expect(await app.admin.request(Find, { ...ids, version, service: serviceAddress })).toMatchObject(
    {
      deployment: { id: deployment.id },
      deploymentVersion: { id: versionId },
      service: { id: service.id },
      services: { totalCount: 1 },
    },
  )
  const { stopService } = await stop(app.admin, serviceAddress)
  expect(stopService.__typename).toBe('StopServiceSuccess')
})

test('a chosen address replaces the computed one and is taken once', async () => {
  const chosen = 'abeja:1410805969256'
  const { deployment } = succeeded(
    await create([chosen, 'topchef:any text, really']),
    'CreateDeploymentSuccess',
  )
  expect(abeja(await deploymentOf(deployment.id))).toBe(chosen)
  for (const address of [chosen, 'topchef:any text, really']) {
    const ids = { deployment: address, version: 'x', service: 'x' }
    expect((await app.admin.request(Find, ids)).deployment?.id).toBe(deployment.id)
  }
  expect(await create([chosen])).toMatchObject({ __typename: 'Conflict', field: 'addresses' })
  // another kind of object may bear it
  const versionId = await seedVersion(app.admin, (await seedDeployment(app.admin)).id, {
    'main.mjs': '',
  })
  const input = { name: 'same', addresses: [chosen], backend: { process: { versionId } } }
  expect((await app.admin.request(CreateService, { input })).createService.__typename).toBe(
    'CreateServiceSuccess',
  )
})

test('an address without a front, or two of one front, is refused', async () => {
  expect(await create(['1410805969257', 'abeja:'])).toMatchObject({
    __typename: 'ValidationError',
    issues: [{ path: ['addresses', '0'] }, { path: ['addresses', '1'] }],
  })
  expect(await create(['abeja:1410805969258', 'abeja:1410805969259'])).toMatchObject({
    issues: [{ path: ['addresses'] }],
  })
})

test('addresses of nobody find nothing', async () => {
  for (const nobody of [
    'abeja:9999999999999',
    'abeja:ser-ffffffffffffffff',
    'abeja:ver-0000000000000000',
    'abeja:',
    'nofront:1',
    'a\0b',
    '',
  ])
    expect(
      await app.admin.request(Find, { deployment: nobody, version: nobody, service: nobody }),
    ).toEqual({
      deployment: null,
      deploymentVersion: null,
      service: null,
      services: { totalCount: 0 },
    })
})

test('annotations come back as they were given, front by front, until null removes them', async () => {
  const value = { packaging: true, nested: [1, 'two', null, { 'with space': 2.5 }] }
  const annotations = [
    { front: 'ABEJA' as const, value },
    { front: 'TOPCHEF' as const, value: 'text' },
  ]
  const made = await app.admin.request(CreateDeployment, {
    input: { name: 'annotated', annotations },
  })
  const { deployment } = succeeded(made.createDeployment, 'CreateDeploymentSuccess')
  expect(await deploymentOf(deployment.id)).toMatchObject({ abeja: value, topchef: 'text' })
  const change = { id: deployment.id, annotations: [{ front: 'ABEJA' as const, value: null }] }
  const { updateDeployment } = await app.admin.request(UpdateDeployment, { input: change })
  succeeded(updateDeployment, 'UpdateDeploymentSuccess')
  expect(await deploymentOf(deployment.id)).toMatchObject({ abeja: null, topchef: 'text' })
})

const Nested = graphql(`
  query AddressesNested($deployment: ID!, $version: ID!, $service: ID!) {
    deployment(id: $deployment) {
      id
    }
    deploymentVersion(id: $version) {
      id
    }
    service(id: $service) {
      id
      address(front: ABEJA)
      topchef: address(front: TOPCHEF)
    }
  }
`)
const Organization = graphql(`
  query AddressesOrganization {
    viewer {
      organization {
        address(front: ABEJA)
        viewerRole
      }
    }
  }
`)

test('an address says in which organization and deployment its object has to be', async () => {
  const { admin } = app
  const { organization } = (await admin.request(Organization)).viewer
  expect(organization.viewerRole).toBe('ADMIN')
  const org = organization.address ?? ''
  const [mine, other] = await Promise.all(
    ['abeja:1410805969300', 'abeja:1410805969301'].map(async (address) => {
      const made = succeeded(await create([address]), 'CreateDeploymentSuccess')
      return { id: made.deployment.id, text: address.slice(6) }
    }),
  )
  if (mine === undefined || other === undefined) throw new Error('two were made')
  const versionId = await seedVersion(admin, mine.id, { 'main.py': '' })
  const input = { name: 'nested', backend: { process: { versionId } }, addresses: ['abeja:ser-x'] }
  const made = await admin.request(CreateService, { input })
  const { service } = succeeded(made.createService, 'CreateServiceSuccess')

  const at = (place: string) => ({
    deployment: `abeja:${org}/${mine.text}`,
    version: versionId,
    service: `abeja:${place}/ser-x`,
  })
  expect(await admin.request(Nested, at(`${org}/${mine.text}`))).toEqual({
    deployment: { id: mine.id },
    deploymentVersion: { id: versionId },
    service: { id: service.id, address: 'ser-x', topchef: null },
  })
  expect((await admin.request(Nested, at(org))).service?.id).toBe(service.id)
  expect((await admin.request(Nested, at(`${org}/${other.text}`))).service).toBeNull()
  expect((await admin.request(Nested, at(`${org}/9999999999999`))).service).toBeNull()
  expect((await admin.request(Nested, at(`${org}/${mine.text}/more`))).service).toBeNull()
  for (const stranger of ['9999999999999', 'x', ''])
    expect(await admin.execute(Nested, at(stranger))).toMatchObject({
      errors: [{ extensions: { code: 'FORBIDDEN' } }],
    })
})
