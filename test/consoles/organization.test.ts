import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import type { ConsolesChangedSubscription } from '../../testkit/generated/graphql.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { DeleteService, ScaleService, StopService } from '../../testkit/operations/services.ts'
import { seedOrganization } from '../../testkit/seed/organizations.ts'
import { becomes, runningService, seedService, seedVersion } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'
import { follow } from '../streams/follow.ts'

const Changed = graphql(`
  subscription ConsolesChanged($after: String, $filter: ActivityFilter) {
    organizationChanged(after: $after, filter: $filter) {
      cursor
      activities {
        number
        action
        subjectId
        subject {
          __typename
          id
          ... on Service {
            status
            name
          }
          ... on DeploymentVersion {
            versionStatus: status
          }
        }
        actor {
          kind
          name
          front
          user {
            email
          }
        }
        changes {
          field
          from
          to
        }
      }
    }
  }
`)
const Activity = graphql(`
  query ConsolesActivity($filter: ActivityFilter) {
    activity(first: 1000, filter: $filter) {
      nodes {
        number
        action
        subjectId
        subject {
          __typename
          id
          ... on Service {
            status
            name
          }
          ... on DeploymentVersion {
            versionStatus: status
          }
        }
        actor {
          kind
          name
          front
          user {
            email
          }
        }
        changes {
          field
          from
          to
        }
      }
      totalCount
    }
  }
`)

type Entry = ConsolesChangedSubscription['organizationChanged']['activities'][number]

const asTold = ({ number, action, subjectId, actor, changes }: Entry) => ({
  number,
  action,
  subjectId,
  actor,
  changes,
})

let app: TestApp
beforeAll(async () => {
  app = await testApp()
})
afterAll(() => app.close())

const program = {
  'main.mjs': "export const handler = () => new Response('ok')\n",
}
const broken = { 'main.mjs': "throw new Error('no luck')\n" }

test('one subscription keeps a console up to date: each move of a service and a version is in it, by whoever made it', async () => {
  const { admin } = await seedOrganization(app)
  const following = follow(admin, Changed, { after: 'start' })
  const entries = (): Entry[] =>
    following.results.flatMap(({ data }) => data?.organizationChanged.activities ?? [])
  /** What a console shows that knows nothing but what it was told. */
  const shown = (id: string): string | undefined =>
    entries()
      .filter(({ subjectId }) => subjectId === id)
      .flatMap(({ changes }) => changes)
      .findLast(({ field }) => field === 'status')?.to as string | undefined

  const service = await runningService(admin, program, { image: 'node:22' })
  await until(() => shown(service.id) === 'READY')
  expect(shown(service.versionId)).toBe('READY')
  await admin.request(ScaleService, { input: { id: service.id, scale: { desired: 2 } } })
  await becomes(admin, service.id, 'READY')
  await until(() => shown(service.id) === 'READY')
  await admin.request(StopService, { input: { id: service.id } })
  await until(() => shown(service.id) === 'STOPPED')
  const bad = await seedVersion(admin, service.deploymentId, broken, { image: 'node:22' })
  const failing = await seedService(admin, bad)
  await until(() => shown(failing.id) === 'FAILED')
  await admin.request(DeleteService, { input: { id: service.id } })
  await until(() => entries().some(({ action }) => action === 'deleteService'))
  following.stop()

  // told in one piece: nothing missing between one state and the next
  for (const id of [service.id, failing.id]) {
    let state: unknown = undefined
    for (const { field, from, to } of entries()
      .filter(({ subjectId }) => subjectId === id)
      .flatMap(({ changes }) => changes)) {
      if (field !== 'status') continue
      if (state !== undefined) expect(from).toBe(state)
      state = to
    }
  }
  for (const { action, actor } of entries()) {
    const isOwn = action === 'serviceStatusChanged'
    const isByAdmin = action === 'createOrganization' || action === 'createToken'
    expect([action, actor.kind]).toEqual([action, isOwn ? 'SYSTEM' : isByAdmin ? 'USER' : 'TOKEN'])
    expect(actor.user).toEqual(isByAdmin ? { email: 'admin' } : null)
    expect(actor.front).toBe(null)
  }
  // the list and the subscription are of the same entries; what is deleted is no subject any more
  const { activity } = await admin.request(Activity, { filter: null })
  expect(activity.nodes.toReversed().slice(0, entries().length).map(asTold)).toEqual(
    entries().map(asTold),
  )
  for (const { subjectId, subject } of activity.nodes)
    if (subjectId === service.id) expect(subject).toBe(null)
  expect(activity.nodes.find(({ subjectId }) => subjectId === failing.id)?.subject).toMatchObject({
    __typename: 'ProcessService',
    status: 'FAILED',
  })

  // filters take the same from both
  const filters = [
    { actions: ['serviceStatusChanged'] },
    { subjectIds: [service.id] },
    { actors: ['millrace'] },
    { actions: ['createService', 'stopService'], subjectIds: [service.id, failing.id] },
    { actions: [] },
  ]
  for (const filter of filters) {
    const { activity: listed } = await admin.request(Activity, { filter })
    const live = follow(admin, Changed, { after: 'start', filter })
    const numbers = () =>
      live.results
        .flatMap(({ data }) => data?.organizationChanged.activities ?? [])
        .map(({ number }) => number)
    await until(() => live.results.length > 0 && numbers().length >= listed.totalCount)
    live.stop()
    expect(numbers()).toEqual(listed.nodes.map(({ number }) => number).toReversed())
  }
})
