import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import {
  CreateDeployment,
  CreateVersion,
  DeleteDeployment,
  DeploymentChanged,
  UpdateDeployment,
} from '../../testkit/operations/deployments.ts'
import { Activities, Viewer } from '../../testkit/operations/organizations.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'

const CreateProject = graphql(`
  mutation KindsCreateProject($input: CreateProjectInput!) {
    createProject(input: $input) {
      __typename
      ... on CreateProjectSuccess {
        project {
          id
          name
        }
      }
      ...Problem
    }
  }
`)
const UpdateProject = graphql(`
  mutation KindsUpdateProject($input: UpdateProjectInput!) {
    updateProject(input: $input) {
      __typename
      ... on UpdateProjectSuccess {
        project {
          name
          annotations(front: ABEJA)
        }
      }
      ...Problem
    }
  }
`)
const Deployment = graphql(`
  query KindsDeployment($id: ID!) {
    deployment(id: $id) {
      name
      description
      environment {
        name
        value
      }
    }
  }
`)

let app: SharedApp
beforeAll(async () => {
  app = await sharedApp()
})
afterAll(() => app.close())

/** What the history tells of an object, oldest first. */
async function historyOf(subjectId: string) {
  const { viewer } = await app.admin.request(Viewer)
  const organizationId = viewer.organization.id
  const filter = { subjectIds: [subjectId] }
  const { activity } = await app.admin.request(Activities, { organizationId, filter, first: 100 })
  return activity.nodes.map(({ action, changes }) => ({ action, changes })).toReversed()
}

const madeDeployment = async (addresses: string[] = []) => {
  const input = { name: `kind ${randomUUID()}`, addresses }
  const { createDeployment } = await app.admin.request(CreateDeployment, { input })
  return succeeded(createDeployment, 'CreateDeploymentSuccess').deployment
}
const deleted = async (id: string) => {
  const { deleteDeployment } = await app.admin.request(DeleteDeployment, { input: { id } })
  return succeeded(deleteDeployment, 'DeleteDeploymentSuccess')
}

test('each change is one line of the history, told once; what changes nothing is no line', async () => {
  const name = `kind ${randomUUID()}`
  const made = await app.admin.request(CreateProject, { input: { name } })
  const { id } = succeeded(made.createProject, 'CreateProjectSuccess').project
  await app.admin.request(UpdateProject, { input: { id, name } })
  await app.admin.request(UpdateProject, { input: { id, name: 'another' } })
  expect(await historyOf(id)).toEqual([
    { action: 'createProject', changes: [{ field: 'name', from: null, to: name }] },
    { action: 'updateProject', changes: [{ field: 'name', from: name, to: 'another' }] },
  ])

  const deployment = await madeDeployment()
  for (const description of ['one', 'one', 'two'])
    await app.admin.request(UpdateDeployment, { input: { id: deployment.id, description } })
  expect((await historyOf(deployment.id)).slice(1)).toEqual([
    { action: 'updateDeployment', changes: [{ field: 'description', from: '', to: 'one' }] },
    { action: 'updateDeployment', changes: [{ field: 'description', from: 'one', to: 'two' }] },
  ])
})

test('annotations alone are a change too', async () => {
  const made = await app.admin.request(CreateProject, { input: { name: 'annotated' } })
  const { id } = succeeded(made.createProject, 'CreateProjectSuccess').project
  const annotations = [{ front: 'ABEJA' as const, value: { a: 1 } }]
  const { updateProject } = await app.admin.request(UpdateProject, { input: { id, annotations } })
  const { project } = succeeded(updateProject, 'UpdateProjectSuccess')
  expect(project).toEqual({ name: 'annotated', annotations: { a: 1 } })
  expect((await historyOf(id)).at(-1)).toEqual({
    action: 'updateProject',
    changes: [{ field: 'annotations.ABEJA', from: null, to: null }],
  })
})

test('the address of a deleted object is free for another', async () => {
  const address = `abeja:1${String(Date.now()).slice(-12)}`
  await deleted((await madeDeployment([address])).id)
  const { id } = await madeDeployment([address])
  expect((await deleted(address)).deletedId).toBe(id)
})

test('so are the addresses of what is deleted with it', async () => {
  const addresses = [`abeja:ver-${randomUUID().replaceAll('-', '').slice(0, 16)}`]
  const version = async (deploymentId: string) => {
    const input = { deploymentId, label: '1', addresses }
    const { createDeploymentVersion } = await app.admin.request(CreateVersion, { input })
    return succeeded(createDeploymentVersion, 'CreateDeploymentVersionSuccess').version.id
  }
  const { id } = await madeDeployment()
  await version(id)
  await deleted(id)
  expect(await version((await madeDeployment()).id)).toMatch(/^ver_/)
})

test('of two changes of a deployment at once neither takes back the other', async () => {
  const { id } = await madeDeployment()
  for (let n = 0; n < 5; n += 1) {
    const value = String(n)
    await Promise.all([
      app.admin.request(UpdateDeployment, { input: { id, description: value } }),
      app.admin.request(UpdateDeployment, {
        input: { id, environment: [{ name: 'MODE', value }] },
      }),
      app.admin.request(UpdateDeployment, { input: { id, name: `kind ${value}` } }),
    ])
    const { deployment } = await app.admin.request(Deployment, { id })
    expect(deployment).toEqual({
      name: `kind ${value}`,
      description: value,
      environment: [{ name: 'MODE', value }],
    })
  }
})

test('whoever resumes the stream of a deployment that was deleted meanwhile reads it to its end', async () => {
  const { id } = await madeDeployment()
  await app.admin.request(UpdateDeployment, { input: { id, description: 'new' } })
  await deleted(id)
  const socket = app.admin.socket()
  const kinds: string[] = []
  const query = DeploymentChanged.toString()
  const variables = { deploymentId: id, after: 'start' }
  for await (const { data } of socket.iterate<{
    deploymentChanged: { events: { kind: string }[] }
  }>({ query, variables }))
    kinds.push(...(data?.deploymentChanged.events.map(({ kind }) => kind) ?? []))
  await socket.dispose()
  expect(kinds).toEqual(['CREATED', 'UPDATED', 'DELETED'])
})
