import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import type {
  CreateDeploymentVersionInput,
  UpdateDeploymentInput,
} from '../../testkit/generated/graphql.ts'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import {
  CreateDeployment,
  CreateVersion,
  DeleteDeployment,
  DeleteVersion,
  Version,
} from '../../testkit/operations/deployments.ts'
import { DeleteService } from '../../testkit/operations/services.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seed } from '../../testkit/seed/chain.ts'
import { seedDeployment, seedVersion } from '../../testkit/seed/services.ts'

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

const UpdateDeployment = graphql(`
  mutation DeploymentsUpdate($input: UpdateDeploymentInput!) {
    updateDeployment(input: $input) {
      __typename
      ... on UpdateDeploymentSuccess {
        deployment {
          name
          description
          environment {
            name
            value
          }
        }
      }
    }
  }
`)
const Deployment = graphql(`
  query DeploymentsOne($id: ID!) {
    deployment(id: $id) {
      id
      versions {
        nodes {
          id
        }
      }
      events {
        nodes {
          kind
        }
      }
    }
  }
`)

const create = async (input: {
  name: string
  handle?: string
  environment?: { name: string; value: string }[]
}) => (await app.admin.request(CreateDeployment, { input })).createDeployment
const update = async (input: UpdateDeploymentInput) =>
  (await app.admin.request(UpdateDeployment, { input })).updateDeployment
const createVersion = async (input: CreateDeploymentVersionInput) =>
  (await app.admin.request(CreateVersion, { input })).createDeploymentVersion

test('a handle is made from the name and numbered; a chosen one that is taken is a Conflict', async () => {
  const first = await create({ name: 'Crème brûlée, 2nd try' })
  expect(first).toMatchObject({ deployment: { handle: 'creme-brulee-2nd-try', description: '' } })
  const { deployment } = succeeded(first, 'CreateDeploymentSuccess')
  expect(await create({ name: 'Creme brulee 2nd try' })).toMatchObject({
    deployment: { handle: 'creme-brulee-2nd-try-2' },
  })
  expect(await create({ name: 'else', handle: deployment.handle })).toMatchObject({
    __typename: 'Conflict',
    field: 'handle',
    existing: { id: deployment.id },
  })
  expect((await app.admin.request(Deployment, { id: deployment.handle })).deployment?.id).toBe(
    deployment.id,
  )
})

test('names that are made at the same moment get a handle each', async () => {
  const made = await Promise.all(Array.from({ length: 6 }, () => create({ name: 'same' })))
  const handles = made.map((one) => succeeded(one, 'CreateDeploymentSuccess').deployment.handle)
  expect(new Set(handles).size).toBe(6)
})

test('a ValidationError lists everything that is wrong, with its path', async () => {
  const environment = [
    { name: '1X', value: '' },
    { name: 'FINE', value: 'a\0b' },
  ]
  const refused = await create({ name: ' ', handle: 'Not A Handle', environment })
  const issues = refused.__typename === 'ValidationError' ? refused.issues : []
  expect(issues.map(({ path }) => path.join('.')).toSorted()).toEqual([
    'environment.0.name',
    'environment.1.value',
    'handle',
    'name',
  ])
  const { id: deploymentId } = await seedDeployment(app.admin)
  expect(
    await createVersion({ deploymentId, label: '', handler: 'no colon', command: 'x' }),
  ).toMatchObject({
    __typename: 'ValidationError',
    issues: expect.arrayContaining([
      expect.objectContaining({ path: ['label'] }),
      expect.objectContaining({ path: ['handler'] }),
    ]),
  })
  expect(
    await createVersion({ deploymentId, label: '1', handler: 'a:b', command: 'x' }),
  ).toMatchObject({
    issues: [expect.objectContaining({ path: ['command'] })],
  })
})

test('an update leaves what it does not name, and null removes a variable', async () => {
  const environment = [
    { name: 'A', value: '1' },
    { name: 'B', value: '2' },
  ]
  const { deployment } = succeeded(
    await create({ name: 'old', environment }),
    'CreateDeploymentSuccess',
  )
  await update({ id: deployment.id, description: 'told' })
  const set = [
    { name: 'A', value: null },
    { name: 'C', value: '3' },
  ]
  expect(await update({ id: deployment.handle, environment: set, name: 'new' })).toMatchObject({
    deployment: {
      name: 'new',
      description: 'told',
      environment: [
        { name: 'B', value: '2' },
        { name: 'C', value: '3' },
      ],
    },
  })
  expect((await update({ id: 'nobody', name: 'x' })).__typename).toBe('NotFound')
})

test('a version has what was said, defaults for the rest, and a label of its own', async () => {
  const { id: deploymentId, handle } = await seedDeployment(app.admin)
  const made = await createVersion({ deploymentId: handle, label: '1.0' })
  expect(made).toMatchObject({
    version: {
      label: '1.0',
      image: 'python',
      handler: 'main:handler',
      command: null,
      status: 'AWAITING_ARCHIVE',
    },
    upload: { method: 'PUT' },
  })
  expect(await createVersion({ deploymentId, label: 'cmd', command: 'run' })).toMatchObject({
    version: { handler: null, command: 'run' },
  })
  const { version } = succeeded(made, 'CreateDeploymentVersionSuccess')
  expect(await createVersion({ deploymentId, label: '1.0' })).toMatchObject({
    __typename: 'Conflict',
    field: 'label',
    existing: { id: version.id },
  })
  await app.admin.request(DeleteVersion, { input: { id: version.id } })
  expect((await app.admin.request(Version, { id: version.id })).deploymentVersion).toBe(null)
  expect((await createVersion({ deploymentId, label: '1.0' })).__typename).toBe(
    'CreateDeploymentVersionSuccess',
  )
})

test('what is in use cannot be deleted; then everything of it goes', async () => {
  const {
    deploymentId: id,
    deploymentHandle: handle,
    versionId,
    ...service
  } = await seed(app.admin)
    .deployment()
    .version({ 'main.mjs': '' }, { image: 'node' })
    .service()
    .made()
  const inUse = { __typename: 'WrongState', state: 'IN_USE', allowed: ['UNUSED'] }
  expect(
    (await app.admin.request(DeleteVersion, { input: { id: versionId } })).deleteDeploymentVersion,
  ).toMatchObject(inUse)
  expect(
    (await app.admin.request(DeleteDeployment, { input: { id } })).deleteDeployment,
  ).toMatchObject(inUse)

  await app.admin.request(DeleteService, { input: { id: service.id } })
  expect(
    (await app.admin.request(DeleteDeployment, { input: { id: handle } })).deleteDeployment,
  ).toMatchObject({ deletedId: id })
  expect((await app.admin.request(Deployment, { id })).deployment).toBe(null)
  expect((await app.admin.request(Version, { id: versionId })).deploymentVersion).toBe(null)
  expect(
    (await app.admin.request(DeleteDeployment, { input: { id } })).deleteDeployment.__typename,
  ).toBe('NotFound')
  expect((await create({ name: 'again', handle })).__typename).toBe('CreateDeploymentSuccess')
})

test('what happens to a deployment is in its events', async () => {
  const { id } = await seedDeployment(app.admin)
  await seedVersion(app.admin, id, { 'main.py': '' })
  await update({ id, name: 'else' })
  const { deployment } = await app.admin.request(Deployment, { id })
  expect(deployment?.events.nodes.map(({ kind }) => kind)).toEqual([
    'CREATED',
    'VERSION_CREATED',
    'VERSION_CHECKING',
    'VERSION_READY',
    'UPDATED',
  ])
})
