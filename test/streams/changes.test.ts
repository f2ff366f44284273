import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { UpdateDeployment } from '../../testkit/operations/deployments.ts'
import { UpdateService } from '../../testkit/operations/services.ts'
import { ServiceChanged } from '../../testkit/operations/streams.ts'
import { seedDeployment } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'
import { firstFault, follow } from './follow.ts'
import { streamApp, type StreamApp } from '../../testkit/stream-app.ts'

const AsOf = graphql(`
  query StreamsAsOf($service: ID!, $deployment: ID!) {
    service(id: $service) {
      name
      asOf
      revision
      events(last: 1) {
        nodes {
          number
        }
        pageInfo {
          endCursor
        }
      }
    }
    deployment(id: $deployment) {
      asOf
      revision
    }
  }
`)

const DeploymentChanged = graphql(`
  subscription StreamsDeploymentChanged($id: ID!, $after: String) {
    deploymentChanged(deploymentId: $id, after: $after) {
      cursor
      deployment {
        name
        revision
      }
      events {
        number
        kind
      }
    }
  }
`)

let app: StreamApp
beforeAll(async () => {
  app = await streamApp()
})
afterAll(() => app.close())

const from = (revision: number | undefined): number => (revision ?? 0) + 1

test('nothing falls between a query and the subscription that resumes at its `asOf`', async () => {
  const { id } = await app.service()
  const deployment = await seedDeployment(app.admin)
  for (let round = 0; round < 5; round += 1) {
    const before = await app.admin.request(AsOf, { service: id, deployment: deployment.id })
    expect(before.service?.events.pageInfo.endCursor).toBe(before.service?.asOf)
    for (const name of [`a ${round}`, `b ${round}`]) {
      await app.admin.request(UpdateService, { input: { id, name } })
      await app.admin.request(UpdateDeployment, { input: { id: deployment.id, name } })
    }
    const service = follow(app.admin, ServiceChanged, {
      serviceId: id,
      after: before.service?.asOf,
    })
    const changed = follow(app.admin, DeploymentChanged, {
      id: deployment.id,
      after: before.deployment?.asOf,
    })
    await app.admin.request(UpdateService, { input: { id, name: `c ${round}` } })
    await app.admin.request(UpdateDeployment, { input: { id: deployment.id, name: `c ${round}` } })
    const ofService = () => service.results.flatMap(({ data }) => data?.serviceChanged.events ?? [])
    const ofDeployment = () =>
      changed.results.flatMap(({ data }) => data?.deploymentChanged.events ?? [])
    await until(() => ofService().length === 3 && ofDeployment().length === 3)
    service.stop()
    changed.stop()
    expect(
      firstFault(
        ofService().map(({ number }) => number),
        from(before.service?.revision),
      ),
    ).toBeUndefined()
    expect(
      firstFault(
        ofDeployment().map(({ number }) => number),
        from(before.deployment?.revision),
      ),
    ).toBeUndefined()
    expect(service.results.at(-1)?.data?.serviceChanged.service?.name).toBe(`c ${round}`)
    expect(changed.results.at(-1)?.data?.deploymentChanged.deployment?.name).toBe(`c ${round}`)
  }
})

test('without a cursor the first delivery is the present state, the next what changes it', async () => {
  const { id } = await app.service()
  const following = follow(app.admin, ServiceChanged, { serviceId: id })
  await until(() => following.results.length === 1)
  expect(following.results[0]?.data?.serviceChanged).toMatchObject({
    service: { status: 'STARTING', revision: 1 },
    events: [],
    end: null,
  })
  await app.admin.request(UpdateService, { input: { id, name: 'renamed' } })
  await until(() => following.results.length === 2)
  following.stop()
  expect(following.results[1]?.data?.serviceChanged).toMatchObject({
    service: { name: 'renamed', revision: 2 },
    events: [{ number: 2, kind: 'UPDATED' }],
  })
})

test('from "start" every event is delivered', async () => {
  const deployment = await seedDeployment(app.admin)
  await app.admin.request(UpdateDeployment, { input: { id: deployment.id, name: 'second' } })
  const following = follow(app.admin, DeploymentChanged, { id: deployment.id, after: 'start' })
  await until(() => following.results.length > 0)
  following.stop()
  const [first] = following.results
  expect(first?.data?.deploymentChanged.events.map(({ number }) => number)).toEqual([1, 2])
  expect(first?.extensions?.['cursor']).toBe(first?.data?.deploymentChanged.cursor)
})
