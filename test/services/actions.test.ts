import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import type { Role, ServiceAction, ServiceStatus } from '../../testkit/generated/graphql.ts'
import { Prisma } from '../../src/generated/prisma/client.ts'
import { Client } from '../../testkit/client.ts'
import { Submit } from '../../testkit/operations/jobs.ts'
import { Viewer } from '../../testkit/operations/organizations.ts'
import {
  DeleteService,
  InvokeService,
  RestartService,
  RollBack,
  ScaleService,
  StartService,
  StopService,
  UpdateService,
} from '../../testkit/operations/services.ts'
import { seedToken } from '../../testkit/seed/organizations.ts'
import { seed } from '../../testkit/seed/chain.ts'
import { streamApp, type StreamApp } from '../../testkit/stream-app.ts'

let app: StreamApp
let subject: { id: string; deploymentId: string; versionId: string; earlier: string }
const callers = new Map<Role, Client>()

beforeAll(async () => {
  app = await streamApp() // nothing here moves a service but the test
  const { versionIds, ...made } = await seed(app.admin)
    .deployment()
    .version({ 'main.py': 'first' })
    .version({ 'main.py': 'second' })
    .service()
    .made()
  subject = { ...made, earlier: versionIds[0] ?? '' }
  const { viewer } = await app.admin.request(Viewer)
  for (const role of roles) {
    const { secret } = await seedToken(app.admin, viewer.organization.id, role)
    callers.set(role, new Client(app.url, secret))
  }
})
afterAll(() => app.close())

const Offered = graphql(`
  query ActionsOffered($id: ID!) {
    service(id: $id) {
      viewerActions
    }
  }
`)

const roles: readonly Role[] = ['WORKER', 'VIEWER', 'DEVELOPER', 'ADMIN']
const states: readonly ServiceStatus[] = [
  'STARTING',
  'READY',
  'SCALING',
  'STOPPING',
  'STOPPED',
  'FAILED',
]
const perform: Record<ServiceAction, (client: Client) => Promise<object>> = {
  UPDATE: (client) =>
    client.request(UpdateService, { input: { id: subject.id, name: `renamed ${Math.random()}` } }),
  SCALE: (client) =>
    client.request(ScaleService, { input: { id: subject.id, scale: { desired: 7 } } }),
  START: (client) => client.request(StartService, { input: { id: subject.id } }),
  STOP: (client) => client.request(StopService, { input: { id: subject.id } }),
  RESTART: (client) => client.request(RestartService, { input: { id: subject.id } }),
  DELETE: (client) => client.request(DeleteService, { input: { id: subject.id } }),
  INVOKE: (client) => client.request(InvokeService, { input: { id: subject.id } }),
  SUBMIT_JOB: (client) => client.request(Submit, { input: { serviceId: subject.id } }),
  ROLL_BACK: (client) => {
    const { id, deploymentId, earlier } = subject
    return client.request(RollBack, {
      input: { deploymentId, versionId: earlier, serviceIds: [id] },
    })
  },
}

/** Puts the service back, in this state, as if nothing had been done to it. */
const reset = (state: ServiceStatus, isBuiltIn: boolean) =>
  app.database.query(Prisma.sql`
    UPDATE "Service" SET status = ${state}::"ServiceStatus", "isBuiltIn" = ${isBuiltIn}, "deletedAt" = NULL,
      "heldHandle" = handle, "desiredInstances" = 1, "targetVersionId" = NULL,
      "versionId" = (SELECT id FROM "DeploymentVersion" ORDER BY serial DESC LIMIT 1)`)

const cases = roles.flatMap((role) => [
  [role, 'a service', false] as const,
  [role, 'a built-in service', true] as const,
])

test.each(cases)(
  'what %s may do to %s is what is done when it is tried, in every state',
  async (role, _what, isBuiltIn) => {
    const client = callers.get(role)
    if (client === undefined) throw new Error(`Nobody is ${role}.`)
    const done: string[] = []
    const offered: string[] = []
    for (const state of states) {
      await reset(state, isBuiltIn)
      let isReset = true
      const { service } = await client.request(Offered, { id: subject.id })
      for (const action of service?.viewerActions ?? []) offered.push(`${state} ${action}`)
      for (const [action, act] of Object.entries(perform)) {
        if (!isReset) await reset(state, isBuiltIn)
        const [outcome] = Object.values(await act(client)) as [{ __typename: string }] // one mutation each
        const isRefused = ['Forbidden', 'WrongState', 'NotFound'].includes(outcome.__typename)
        // no instance runs here, so a call that was let through finds none
        const isDone = /Success$|^Unavailable$/.test(outcome.__typename)
        expect([isRefused, isDone], `${state} ${action}: ${outcome.__typename}`).toContain(true)
        if (isDone) done.push(`${state} ${action}`)
        isReset = isRefused // what is refused changes nothing
      }
    }
    expect(offered.toSorted()).toEqual(done.toSorted())
    expect(offered).toHaveLength(expected[isBuiltIn ? 'builtIn' : 'own'][role])
  },
)

/** Counted by hand: 5 that every state allows, 3 states to start from and 3 to stop from, 2 to restart, 3 to call in. */
const expected: Record<'own' | 'builtIn', Record<Role, number>> = {
  own: { WORKER: 0, VIEWER: 3, DEVELOPER: 41, ADMIN: 41 },
  builtIn: { WORKER: 0, VIEWER: 3, DEVELOPER: 3, ADMIN: 3 },
}
