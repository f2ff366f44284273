import type { Client } from '../support/client.ts'
import { becomes, seedService, seedVersion } from '../support/seed.ts'

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
  /** Whether its line is in the history of the organization it makes. */
  readonly isElsewhere?: true
}

const unique = (): string => Math.random().toString(36).slice(2, 10)

async function service(ground: Ground, status?: string): Promise<string> {
  const { id } = await seedService(ground.admin, ground.versionIds[1])
  if (status !== undefined) await becomes(ground.admin, id, status)
  return id
}

async function madeId(ground: Ground, name: string, input: object, noun: string): Promise<string> {
  const success = await ground.call(name, input, `${noun} { id }`)
  return (success[noun] as { id: string }).id // selected just above
}

/**
 * A success of every mutation of the schema. Whoever adds a mutation adds a case: the test fails without one.
 */
export const cases: Record<string, Case> = {
  createDeployment: { input: () => ({ name: 'of a case' }) },
  updateDeployment: {
    input: async (ground) => ({
      id: await madeId(ground, 'createDeployment', { name: 'to change' }, 'deployment'),
      annotations: [{ front: 'ABEJA', value: { only: 'an annotation' } }],
    }),
  },
  deleteDeployment: {
    input: async (ground) => ({
      id: await madeId(ground, 'createDeployment', { name: 'to delete' }, 'deployment'),
    }),
  },
  createDeploymentVersion: { input: ({ deploymentId }) => ({ deploymentId, label: unique() }) },
  deleteDeploymentVersion: {
    input: async ({ admin, deploymentId }) => ({
      id: await seedVersion(admin, deploymentId, { 'main.py': '' }),
    }),
  },
  createUpload: { input: () => ({ name: 'of a case' }) },
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
  invokeService: { input: ({ serviceId }) => ({ id: serviceId, json: { x: 1 } }), lines: 0 },
  createOrganization: { input: () => ({ name: `Case ${unique()}` }), isElsewhere: true },
  createToken: { input: () => ({ name: 'of a case', role: 'VIEWER' }) },
  revokeToken: {
    input: async (ground) => ({
      id: await madeId(ground, 'createToken', { name: 'to end', role: 'VIEWER' }, 'token'),
    }),
  },
  setMember: { input: () => ({ email: `${unique()}@example.com`, role: 'VIEWER' }) },
  removeMember: {
    input: async (ground) => {
      const person = { email: `${unique()}@example.com`, role: 'VIEWER' }
      const { membership } = await ground.call('setMember', person, 'membership { user { id } }')
      return { userId: (membership as { user: { id: string } }).user.id } // selected just above
    },
  },
  signIn: {
    input: async (ground) => {
      const password = unique() + unique()
      await ground.call('setMember', { email: 'admin', role: 'ADMIN', password }, '__typename')
      return { email: 'admin', password }
    },
  },
  createProject: { input: () => ({ name: 'of a case' }) },
  updateProject: {
    input: async (ground) => ({
      id: await madeId(ground, 'createProject', { name: 'to change' }, 'project'),
      name: 'changed',
    }),
  },
  deleteProject: {
    input: async (ground) => ({
      id: await madeId(ground, 'createProject', { name: 'to delete' }, 'project'),
    }),
  },
}
