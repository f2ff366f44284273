import { schema } from '../../src/schema.ts'
import type { Client } from '../../testkit/client.ts'
import { SetMember } from '../../testkit/operations/people.ts'
import { fieldOf, plainTypes } from '../../testkit/plain.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seedOrganization, seedPerson } from '../../testkit/seed/organizations.ts'
import { becomes, seedService, seedVersion } from '../../testkit/seed/services.ts'

/** What every case may build on. */
export interface Ground {
  readonly admin: Client
  /** A deployment with two versions, the second of which runs as `serviceId`, READY. */
  readonly deploymentId: string
  readonly versionIds: readonly [string, string]
  readonly serviceId: string
  /** Sends a mutation that is not the one under test and answers its success. */
  readonly call: (name: string, input: object, fields: string) => Promise<Record<string, unknown>>
}

export interface Case {
  /** An input with which it succeeds and has an effect. */
  readonly input: (ground: Ground) => object | Promise<object>
  /** How many lines of the history it writes; one when absent. None only where it is no administrative act. */
  readonly lines?: number
  /** Where its line is in the history of another organization, which these fields of the success name. */
  readonly elsewhere?: string
  /** Who reads the history there, if not the one who acts. */
  readonly reader?: () => Client
}

const unique = (): string => Math.random().toString(36).slice(2, 10)

async function service(ground: Ground, status?: string): Promise<string> {
  const { id } = await seedService(ground.admin, ground.versionIds[1])
  if (status !== undefined) await becomes(ground.admin, id, status)
  return id
}

async function queue(ground: Ground): Promise<string> {
  const backend = { queue: { functions: [{}] } }
  return madeId(ground, 'createService', { name: `queue ${unique()}`, backend }, 'service')
}

const route = (ground: Ground): Promise<string> =>
  madeId(ground, 'createRoute', { name: unique(), serviceIds: [ground.serviceId] }, 'route')

const stranger = () => ({ email: `${unique()}@example.com`, role: 'VIEWER' })

/** Who stays in the organization that was left last. */
let left: Client

/** An organization that has another ADMIN, and somebody who acts in it. */
async function shared(ground: Ground): Promise<{ organizationId: string; admin: Client }> {
  const { admin: server } = ground
  const { id: organizationId, admin } = await seedOrganization({ url: server.url, admin: server })
  await seedPerson(admin, 'ADMIN', organizationId)
  return { organizationId, admin }
}

/** A job in the hands of a worker. */
async function held(ground: Ground): Promise<{ jobId: string; fence: string }> {
  const serviceId = await queue(ground)
  const jobId = await madeId(ground, 'submitJob', { serviceId }, 'job')
  const wish = { serviceIds: [serviceId], worker: 'of a case', claimId: unique() }
  const { leases } = await ground.call('claimJobs', wish, 'leases { fence }')
  const [lease] = leases as { fence: string }[] // selected just above
  return { jobId, fence: lease?.fence ?? '' }
}

async function madeId(ground: Ground, name: string, input: object, noun: string): Promise<string> {
  const success = await ground.call(name, input, `${noun} { id }`)
  return (success[noun] as { id: string }).id // selected just above
}

/** Those of the types of which one is made by its name alone. */
const plainCases: Record<string, Case> = Object.fromEntries(
  plainTypes.flatMap((type): [string, Case][] => {
    const one = (ground: Ground) => madeId(ground, `create${type}`, { name: type }, fieldOf(type))
    return [
      [`create${type}`, { input: () => ({ name: 'of a case' }) }],
      [`update${type}`, { input: async (ground) => ({ id: await one(ground), name: 'changed' }) }],
      [`delete${type}`, { input: async (ground) => ({ id: await one(ground) }) }],
    ]
  }),
)
const mutations = schema.getMutationType()?.getFields() ?? {}

/**
 * A success of every mutation of the schema. Whoever adds a mutation that is not one of the plain ones adds a case: the
 * test fails without one.
 */
export const cases: Record<string, Case> = {
  ...Object.fromEntries(Object.entries(plainCases).filter(([name]) => name in mutations)),
  updateDeployment: {
    input: async (ground) => ({
      id: await madeId(ground, 'createDeployment', { name: 'to change' }, 'deployment'),
      annotations: [{ front: 'ABEJA', value: { only: 'an annotation' } }],
    }),
  },
  createDeploymentVersion: { input: ({ deploymentId }) => ({ deploymentId, label: unique() }) },
  deleteDeploymentVersion: {
    input: async ({ admin, deploymentId }) => ({
      id: await seedVersion(admin, deploymentId, { 'main.py': '' }),
    }),
  },
  createService: {
    input: ({ versionIds: [, versionId] }) => ({
      name: 'of a case',
      backend: { process: { versionId } },
    }),
  },
  updateService: {
    input: async (ground) => ({
      id: await service(ground),
      annotations: [{ front: 'ABEJA', value: { only: 'an annotation' } }],
    }),
  },
  scaleService: { input: async (ground) => ({ id: await service(ground), scale: { desired: 2 } }) },
  startService: {
    input: async (ground) => {
      const id = await service(ground)
      await ground.call('stopService', { id }, '__typename')
      return { id }
    },
  },
  stopService: { input: async (ground) => ({ id: await service(ground) }) },
  restartService: { input: async (ground) => ({ id: await service(ground, 'READY') }) },
  deleteService: { input: async (ground) => ({ id: await service(ground) }) },
  rollBackDeployment: {
    input: async (ground) => ({
      deploymentId: ground.deploymentId,
      versionId: ground.versionIds[0],
      serviceIds: [await service(ground), await service(ground)],
    }),
    lines: 2,
  },
  createRoute: {
    input: ({ deploymentId, serviceId }) => ({
      name: unique(),
      deploymentId,
      serviceIds: [serviceId],
    }),
  },
  updateRoute: { input: async (ground) => ({ id: await route(ground), targets: [] }) },
  deleteRoute: { input: async (ground) => ({ id: await route(ground) }) },
  invokeService: { input: ({ serviceId }) => ({ id: serviceId, json: { x: 1 } }), lines: 0 },
  openService: { input: ({ serviceId }) => ({ id: serviceId }), lines: 0 },
  createOrganization: {
    input: () => ({ name: `Case ${unique()}` }),
    elsewhere: 'organization { id }',
  },
  createToken: { input: () => ({ name: 'of a case', role: 'VIEWER' }) },
  revokeToken: {
    input: async (ground) => ({
      id: await madeId(ground, 'createToken', { name: 'to end', role: 'VIEWER' }, 'token'),
    }),
  },
  setMember: { input: () => ({ email: `${unique()}@example.com`, role: 'VIEWER' }) },
  removeMember: {
    input: async (ground) => {
      const password = unique() + unique()
      const person = { email: `${unique()}@example.com`, role: 'VIEWER', password }
      const { membership } = await ground.call('setMember', person, 'membership { user { id } }')
      return { userId: (membership as { user: { id: string } }).user.id } // selected just above
    },
  },
  declineInvitation: {
    input: async (ground) => {
      const made = await ground.call('setMember', stranger(), 'invitationCode')
      return { code: made['invitationCode'] }
    },
  },
  withdrawInvitation: {
    input: async (ground) => {
      const { invitation } = await ground.call('setMember', stranger(), 'invitation { id }')
      return { id: (invitation as { id: string }).id } // selected just above
    },
  },
  acceptInvitation: {
    input: async (ground) => {
      const { organizationId, admin } = await shared(ground)
      await ground.call('leaveOrganization', { organizationId }, '__typename')
      const input = { email: 'admin', role: 'VIEWER' as const }
      const { setMember } = await admin.request(SetMember, { input })
      return { code: succeeded(setMember, 'SetMemberSuccess').secret }
    },
    elsewhere: 'membership { organization { id } }',
  },
  leaveOrganization: {
    input: async (ground) => {
      const { organizationId, admin } = await shared(ground)
      left = admin
      return { organizationId }
    },
    elsewhere: 'leftId',
    reader: () => left,
  },
  signIn: {
    input: async (ground) => {
      const password = unique() + unique()
      await ground.call('setMember', { email: 'admin', role: 'ADMIN', password }, '__typename')
      return { email: 'admin', password }
    },
  },
  checkInService: { input: async (ground) => ({ id: await queue(ground) }), lines: 0 },
  // the traffic of jobs is in their own streams
  submitJob: { input: async (ground) => ({ serviceId: await queue(ground) }), lines: 0 },
  submitJobs: {
    input: async (ground) => ({ jobs: [{ serviceId: await queue(ground) }] }),
    lines: 0,
  },
  claimJobs: {
    input: async (ground) => ({
      serviceIds: [await queue(ground)],
      worker: 'of a case',
      claimId: unique(),
    }),
    lines: 0,
  },
  heartbeatJobs: {
    input: async (ground) => ({ worker: 'of a case', jobs: [await held(ground)] }),
    lines: 0,
  },
  completeJob: { input: held, lines: 0 },
  completeJobs: { input: async (ground) => ({ jobs: [await held(ground)] }), lines: 0 },
  failJob: { input: async (ground) => ({ ...(await held(ground)), message: 'no' }), lines: 0 },
  releaseJobs: { input: async (ground) => ({ jobs: [await held(ground)] }), lines: 0 },
  appendJobLog: {
    input: async (ground) => ({ ...(await held(ground)), firstLine: 1, lines: ['a line'] }),
    lines: 0,
  },
  cancelJob: { input: async (ground) => ({ id: (await held(ground)).jobId }), lines: 0 },
  retryJob: {
    input: async (ground) => {
      const job = await held(ground)
      await ground.call('completeJob', job, '__typename')
      return { id: job.jobId }
    },
    lines: 0,
  },
  amendJob: {
    input: async (ground) => ({
      id: (await held(ground)).jobId,
      status: 'FAILED',
      annotations: [{ front: 'TOPCHEF', value: { only: 'an annotation' } }],
    }),
  },
  cancelJobs: {
    input: async (ground) => ({ filter: { serviceIds: [await queue(ground)] } }),
  },
  retryJobs: {
    input: async (ground) => ({ filter: { serviceIds: [await queue(ground)] } }),
  },
}
